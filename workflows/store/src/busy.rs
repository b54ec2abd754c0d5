//! How busy a process is, as the databases keep it: `{"create_user": {"running": 1, "slots": 8}}`.

use std::collections::BTreeMap;

use saga::StepName;
use saga::fleet::Busy;
use saga::store::Error;
use serde_json::{Map, Value, json};

pub(crate) fn to_json(busy: &BTreeMap<StepName, Busy>) -> String {
    let told = |busy: &Busy| json!({ "running": busy.running, "slots": busy.slots });
    Value::Object(busy.iter().map(|(step, busy)| (step.to_string(), told(busy))).collect()).to_string()
}

pub(crate) fn from_json(text: &str) -> Result<BTreeMap<StepName, Busy>, Error> {
    let unreadable = || Error::Unreadable(format!("a process is busy with {text:?}"));
    let steps: Map<String, Value> = serde_json::from_str(text).map_err(|_| unreadable())?;
    let steps = steps.into_iter().map(|(step, told)| {
        let number = |key: &str| told.get(key)?.as_u64().and_then(|number| usize::try_from(number).ok());
        let busy = number("running").zip(number("slots")).map(|(running, slots)| Busy { running, slots });
        Ok((StepName::from(step), busy.ok_or_else(unreadable)?))
    });
    steps.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_reads_back() {
        for running in [0, 7] {
            let step = StepName::new("step");
            let busy = BTreeMap::from([(step, Busy { running, slots: 8 })]);
            assert_eq!(from_json(&to_json(&busy)), Ok(busy));
        }
        assert_eq!(from_json("{}"), Ok(BTreeMap::new()));
    }

    #[test]
    fn other_texts_are_unreadable() {
        for text in ["", "[]", r#"{"step": 1}"#, r#"{"step": {"running": -1, "slots": 8}}"#] {
            assert!(matches!(from_json(text), Err(Error::Unreadable(_))), "{text}");
        }
    }
}
