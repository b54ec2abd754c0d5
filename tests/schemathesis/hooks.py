"""What schemathesis cannot know of the API from its document: ids of sagas, and what no schema can say."""

import itertools
import os
import time
import uuid

import requests
import schemathesis
from schemathesis import GenerationMode

URL = os.environ["SERVICE_URL"]
OPERATOR = {"Authorization": "Bearer " + os.environ["OPERATOR_TOKEN"]}
PASSWORD = "canary-7f3a9c-battery-staple"

# Where a saga may be, and a name that leads there: builds for tests do as it says.
PLACES = itertools.cycle(
    [
        ({"status": "running", "step": "create_profile"}, "sabotage create_profile:hang"),
        ({"status": "running", "step": "create_user"}, "sabotage create_user:hang"),
        (
            {"status": "compensating", "step": "create_organization"},
            "sabotage create_profile:refuse create_organization:fail:undo",
        ),
        ({"status": "completed"}, "Ada Lovelace"),
        ({"status": "failed"}, "sabotage create_user:refuse"),
    ]
)
# Every other request is about a saga that is there.
TURNS = itertools.cycle([True, False])
# Most do not wait, or a run would.
WAITS = itertools.cycle(["wait=1"] + ["wait=0"] * 9)
# How often it is looked whether a saga has come to its place, and how many seconds apart.
LOOKS, PAUSE = 20, 0.02


def is_valid(case):
    """Whether the document allows this request."""
    return case.meta is None or case.meta.generation.mode == GenerationMode.POSITIVE


def saga():
    """A saga that is there, in each of the places in turn; None if none gets there in time."""
    place, name = next(PLACES)
    for look in range(LOOKS):
        answer = requests.get(URL + "/v1/admin/sagas", params={**place, "limit": 1}, headers=OPERATOR, timeout=10)
        answer.raise_for_status()
        found = answer.json()["sagas"]
        if found:
            return found[0]
        if look == 0:
            body = {"email": f"{uuid.uuid4().hex}@example.com", "password": PASSWORD, "full_name": name}
            requests.post(URL + "/v1/signups", json=body, timeout=10).raise_for_status()
        time.sleep(PAUSE)
    return None


@schemathesis.hook
def before_call(context, case, kwargs):
    """Nobody guesses an id, nor the `seq` that an order must name. Nobody waits for long, either."""
    if case.headers and case.headers.get("Prefer", "").startswith("wait="):
        case.headers["Prefer"] = next(WAITS)
    in_chain = case.meta is not None and case.meta.phase.name.value == "stateful"
    if "{id}" not in case.operation.path or in_chain or not is_valid(case) or not next(TURNS):
        return
    there = saga()
    if there is not None:
        case.path_parameters["id"] = there["workflow_id"]
        if isinstance(case.body, dict) and "seq" in case.body:
            case.body["seq"] = there["seq"]


@schemathesis.check
def valid_fields_are_accepted(context, response, case):
    """A valid request is refused only for what no schema can say."""
    if response.status_code != 422 or not is_valid(case):
        return
    problem = response.json()
    # Frontends that expect one answer are told in one sentence.
    if problem.get("type") != "/problems/invalid_fields":
        return
    wrong = {error["field"] for error in problem["errors"]}
    told = {"email", "password"} | {field for field in wrong if not str(case.body.get(field, "?")).strip()}
    assert wrong <= told, f"valid, and refused for {sorted(wrong - told)}"
