//! docker-compose.yml and the Dockerfile: who is told what, who can be reached, and that the services work.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use tests::compose::{Compose, Local};
use tests::run;

/// Fresh keys as an env file.
async fn variables(folder: &Path) -> PathBuf {
    let path = folder.join(".env");
    fs::write(&path, run(&["keys", "init"]).await.unwrap().stdout).unwrap();
    path
}

async fn compose() -> Compose {
    let folder = tempfile::tempdir().unwrap();
    Compose::read(&variables(folder.path()).await).unwrap()
}

fn root(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)).unwrap()
}

#[tokio::test]
async fn fresh_keys_are_all_that_the_file_needs_and_it_needs_each() {
    let folder = tempfile::tempdir().unwrap();
    let path = variables(folder.path()).await;
    let whole = fs::read_to_string(&path).unwrap();
    Compose::read(&path).unwrap();
    for line in whole.lines().filter(|line| line.contains('=') && !line.starts_with('#')) {
        let name = line.split_once('=').unwrap().0;
        fs::write(&path, whole.replace(line, "")).unwrap();
        let refusal = Compose::read(&path).unwrap_err().to_string();
        assert!(refusal.contains("run `signup keys init > .env`"), "{name}: {refusal}");
    }
}

#[tokio::test]
async fn each_process_is_told_what_it_needs_and_no_more() {
    let compose = compose().await;
    let told = |name: &str| -> Vec<String> {
        compose.service(name).unwrap().environment().keys().map(ToString::to_string).collect()
    };
    assert_eq!(told("migrate"), ["DATABASE_URL"]);
    assert_eq!(
        told("api"),
        [
            "DATABASE_URL",
            "REDIS_URL",
            "SIGNUP_ALLOWED_ORIGINS",
            "SIGNUP_DUPLICATE_EMAIL",
            "SIGNUP_HASH_KEY",
            "SIGNUP_LISTEN",
            "SIGNUP_MASTER_KEY",
            "SIGNUP_ORIGIN",
            "SIGNUP_SEAL_PUBLIC_KEY",
            "SIGNUP_TRUSTED_PROXIES"
        ]
    );
    assert_eq!(told("worker"), ["DATABASE_URL", "REDIS_URL", "SIGNUP_HEALTH_LISTEN", "SIGNUP_SEAL_PRIVATE_KEY"]);
    assert_eq!(told("postgres"), ["POSTGRES_DB", "POSTGRES_PASSWORD", "POSTGRES_USER"]);
    assert!(compose.services().all(|(_, service)| service.key("env_file").is_null()));
}

#[tokio::test]
async fn nothing_can_be_reached_but_the_api_and_that_from_this_machine_alone() {
    let compose = compose().await;
    for (name, service) in compose.services() {
        let published = service.key("ports").to_string();
        assert_eq!(published.contains("8080"), name == "api", "{name}: {published}");
        assert_eq!(published.contains("127.0.0.1"), name == "api", "{name}: {published}");
        let networks: Vec<_> = service.key("networks").as_object().unwrap().keys().cloned().collect();
        assert_eq!(networks.contains(&"outside".to_owned()), name == "api", "{name}: {networks:?}");
    }
}

#[tokio::test]
async fn our_processes_may_change_nothing_and_have_time_to_stop() {
    let compose = compose().await;
    for name in ["migrate", "api", "worker"] {
        let service = compose.service(name).unwrap();
        assert_eq!(service.key("image"), "signup-saga");
        assert_eq!((service.key("read_only"), service.key("cap_drop")), (&json!(true), &json!(["ALL"])), "{name}");
        assert_eq!(service.key("security_opt"), &json!(["no-new-privileges:true"]), "{name}");
        assert_eq!(service.key("stop_grace_period"), "20s", "{name}");
        assert!(service.key("volumes").is_null() && service.key("container_name").is_null(), "{name}");
    }
}

#[tokio::test]
async fn processes_start_after_what_they_need_and_servers_keep_what_they_have() {
    let compose = compose().await;
    for name in ["api", "worker"] {
        let needs = compose.service(name).unwrap().needs();
        assert_eq!(needs["migrate"], "service_completed_successfully", "{name}");
        assert!(!compose.service(name).unwrap().health_check().is_empty(), "{name}");
    }
    let migrate = compose.service("migrate").unwrap();
    assert_eq!((migrate.needs()["postgres"], migrate.key("restart")), ("service_healthy", &json!("on-failure")));
    for (name, option) in [("postgres", "max_connections=200"), ("redis", "noeviction"), ("redis", "everysec")] {
        let service = compose.service(name).unwrap();
        assert!(service.command().contains(&option), "{name}: {option}");
        assert!(!service.key("volumes").is_null() && !service.health_check().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn the_services_work_as_they_are_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let compose = Compose::read(&variables(folder.path()).await).unwrap();
    let local = Local::up(&compose, 3, folder.path()).await.unwrap();
    assert_eq!(local.unwell().await.unwrap(), Vec::<String>::new());
    let client = local.api.client().await.unwrap();
    let answer = client.sign_up("ada@example.com", "Ada", 25).await.unwrap();
    assert_eq!((answer.status, answer.text("status")), (201, "completed"), "{answer:?}");
    local.down().await.unwrap();
}

#[test]
fn the_image_has_the_binary_alone_and_its_user_is_nobody() {
    let file = root("Dockerfile");
    let last = file.rsplit("\nFROM ").next().unwrap();
    assert!(last.contains(":nonroot\n") && last.contains("\nUSER nonroot\n"), "{last}");
    let copied: Vec<_> = last.lines().filter(|line| line.starts_with("COPY") || line.starts_with("RUN")).collect();
    assert_eq!(copied, ["COPY --from=build /signup /usr/local/bin/signup"]);
    assert!(file.contains("cargo build --locked --profile dist"));
    let ignored = root(".dockerignore");
    assert!(ignored.lines().any(|line| line == "*") && !ignored.contains("!.env"), "{ignored}");
    for member in root("Cargo.toml").lines().filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\",")) {
        let folder = member.split('/').next().unwrap();
        assert!(ignored.lines().any(|line| line == format!("!{folder}")), "{folder} is not built from");
    }
}
