//! Decoys: the engine takes them for sign-ups, and nothing comes of them.

use auditor::facts::Facts;
use saga::store::Operated;
use saga::testing::Fault;
use saga::{Action, Active, Attempt, Code, Direction, End, Ran, State, StepName};
use signup::SignUp;

use super::faults::undone_from;
use super::process::drive_to;
use super::{Process, in_peace};
use crate::world::{CODE, STEPS, World, ended_failed};

/// Nothing is there but the planted account.
fn assert_untouched(facts: &Facts) {
    let made = [facts.users.len(), facts.identities.len(), facts.organizations.len(), facts.profiles.len()];
    assert_eq!((made, facts.claims.len(), facts.sealed.len()), ([1; 4], 1, 0));
    assert_eq!(facts.users[0].password_hash, "$argon2id$planted");
}

pub(super) async fn a_decoy_goes_the_way_of_a_sign_up_and_makes_nothing(mut w: World) {
    let process = Process::start(&w, in_peace);
    w.plant_account("ada").await;
    let decoy = w.accept_decoy("ada").await;
    assert_untouched(&process.drive(&mut w).await.unwrap());
    assert_eq!(w.view(decoy).await.state, State::Ended(End::Completed));
    let real = w.accept("eve").await;
    process.drive(&mut w).await.unwrap();
    assert_eq!(w.journal(decoy).await, w.journal(real).await);
}

fn goes_wrong_at(step: &StepName, fault: Fault) -> impl Fn(&Attempt<SignUp>, Direction) -> Option<Fault> + use<> {
    let step = step.clone();
    move |attempt, direction| (direction == Direction::Forward && attempt.step == step).then(|| fault.clone())
}

pub(super) async fn a_decoy_whose_step_fails_goes_back_and_undoes_nothing(w: World) {
    for step in &STEPS {
        for (fault, code) in [(Fault::Refuse(CODE), CODE), (Fault::Lose, Code::STEP_FAILED)] {
            let mut w = w.another().await;
            let refused = code == CODE;
            let process = Process::start(&w, goes_wrong_at(step, fault));
            w.plant_account("ada").await;
            let decoy = w.accept_decoy("ada").await;
            assert_untouched(&process.drive(&mut w).await.unwrap());
            assert_eq!(w.view(decoy).await.state, ended_failed(code));
            assert_eq!(w.journal(decoy).await, undone_from(step, refused));
        }
    }
}

pub(super) async fn a_decoy_that_is_rolled_back_at_any_step_undoes_nothing(w: World) {
    for step in &STEPS {
        let mut w = w.another().await;
        let process = Process::start(&w, in_peace);
        w.plant_account("ada").await;
        let decoy = w.accept_decoy("ada").await;
        drive_to(&mut w, &process, decoy, &Active::Running(step.clone())).await;
        let in_flight = process.claim_one(step).await;
        assert_eq!(w.inspect(decoy).await.made, []);
        assert_eq!(w.act(decoy, Action::RollBack).await, Operated::Done);
        assert_eq!(process.run(&in_flight).await.unwrap(), Ran::Fenced, "{step}");
        assert_untouched(&process.drive(&mut w).await.unwrap());
        assert_eq!(w.view(decoy).await.state, ended_failed(Code::ROLLED_BACK));
    }
}
