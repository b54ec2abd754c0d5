//! How the server is set up.

use std::collections::BTreeMap;

use tracing::{info, warn};

/// The oldest version whose commands are all there.
const OLDEST: (u32, u32) = (6, 2);

/// A server, and what has been said of it.
#[derive(Debug, Default)]
pub(super) struct Server {
    version: Option<String>,
    warned: Vec<String>,
}

impl Server {
    /// Says what is wrong with it, each thing once for as long as it is wrong. Takes its answer to `INFO`.
    pub(super) fn inspect(&mut self, info: &str) {
        let facts: BTreeMap<&str, &str> = info.lines().filter_map(|line| line.trim_end().split_once(':')).collect();
        let version = facts.get("redis_version").map(|version| (*version).to_owned());
        if version != self.version {
            info!(version = version.as_deref().unwrap_or("unknown"), "this is the Redis server");
            self.version = version;
        }
        let wrong = wrong(&facts);
        for what in wrong.iter().filter(|what| !self.warned.contains(what)) {
            warn!("{what}");
        }
        self.warned = wrong;
    }
}

/// What is wrong with a server, and what to do about it.
fn wrong(facts: &BTreeMap<&str, &str>) -> Vec<String> {
    let mut wrong = Vec::new();
    let policy = facts.get("maxmemory_policy").copied().unwrap_or("noeviction");
    if policy != "noeviction" {
        wrong.push(format!(
            "Redis' maxmemory-policy is {policy}: when its memory is full it forgets keys of its own choice, also of \
             queues; set it to noeviction"
        ));
    }
    let bytes = |name| facts.get(name).and_then(|bytes| bytes.parse::<u64>().ok()).unwrap_or(0);
    // One that may forget any key is full by nature. One that forgets those alone that have an end, which queues have not,
    // takes no writes once there are none.
    if !policy.starts_with("allkeys") && (1..=bytes("used_memory")).contains(&bytes("maxmemory")) {
        wrong.push("Redis' memory is full: give it more memory (maxmemory), or see who else fills it".to_owned());
    }
    if facts.get("role").is_some_and(|role| *role == "slave") {
        wrong.push("this Redis is a replica and takes no writes: give the address of its primary".to_owned());
    }
    if facts.get("cluster_enabled").is_some_and(|enabled| *enabled == "1") {
        wrong.push("Redis runs as a cluster, which is not supported: give the address of a single server".to_owned());
    }
    if let Some(version) = facts.get("redis_version").filter(|version| number(version).is_some_and(|is| is < OLDEST)) {
        wrong.push(format!("this is Redis {version}: {}.{} or newer is needed", OLDEST.0, OLDEST.1));
    }
    wrong
}

fn number(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# Server\r\nredis_version:7.0.15\r\nused_memory:1000\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n\
         role:master\r\ncluster_enabled:0\r\n";

    fn said(server: &mut Server, info: &str) -> Vec<String> {
        server.inspect(info);
        server.warned.clone()
    }

    #[test]
    fn each_wrong_setting_is_named_with_what_to_do() {
        let mut server = Server::default();
        assert!(said(&mut server, GOOD).is_empty());
        let wrongs = [
            ("noeviction", "allkeys-lru", "set it to noeviction"),
            ("maxmemory:0", "maxmemory:1000", "give it more memory"),
            ("role:master", "role:slave", "give the address of its primary"),
            ("cluster_enabled:0", "cluster_enabled:1", "not supported"),
            ("7.0.15", "6.0.16", "6.2 or newer"),
        ];
        for (right, wrong, advice) in wrongs {
            let said = said(&mut server, &GOOD.replace(right, wrong));
            assert!(said.len() == 1 && said[0].contains(advice), "{said:?}");
        }
        assert!(said(&mut server, "").is_empty());
    }

    #[test]
    fn a_full_memory_is_told_of_unless_any_key_makes_room() {
        let full = GOOD.replace("maxmemory:0", "maxmemory:1000");
        for (policy, advices) in [
            ("volatile-lru", &["set it to noeviction", "give it more memory"][..]),
            ("allkeys-lru", &["set it to noeviction"]),
        ] {
            let said = said(&mut Server::default(), &full.replace("noeviction", policy));
            let named = said.iter().zip(advices).all(|(said, advice)| said.contains(advice));
            assert!(named && said.len() == advices.len(), "{policy}: {said:?}");
        }
    }
}
