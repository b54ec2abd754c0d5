"""What schemathesis cannot know of the API from its document: ids of sagas, who is signed in, and what no schema can
say."""

import ipaddress
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
# Whoever asks is somebody else each time: the service takes us for a proxy.
SOMEBODY = (str(ipaddress.IPv4Address(0x0B000000 + number)) for number in itertools.count())
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


def post(path, body, **headers):
    """What the service answers to a request of somebody's, who succeeds."""
    headers["X-Forwarded-For"] = next(SOMEBODY)
    answer = requests.post(URL + path, json=body, headers=headers, timeout=10)
    answer.raise_for_status()
    return answer.json()


def sign_up(email):
    """A sign-up that is completed."""
    return post("/v1/signups", {"email": email, "password": PASSWORD}, Prefer="wait=10")


def sign_in():
    """A session that is live, of a user whose password nobody changes to another: of each in turn, as attempts with a
    wrong one slow down the right ones."""
    if not USERS:
        USERS.extend(f"user{number}@example.com" for number in range(40))
        for email in USERS:
            sign_up(email)
    return post("/v1/sessions", {"email": next_user(), "password": PASSWORD})


def next_user():
    USERS.append(USERS.pop(0))
    return USERS[-1]


def operated(action):
    """A user on whom an operator can do this now."""
    if not OPERATED:
        OPERATED.append(f"{uuid.uuid4().hex}@example.com")
        sign_up(OPERATED[0])
    answer = requests.get(URL + "/v1/admin/users", params={"email": OPERATED[0]}, headers=OPERATOR, timeout=10)
    answer.raise_for_status()
    user = answer.json()["users"][0]
    if any(choice["action"] == action and not choice["possible"] for choice in user["actions"]):
        before = "enable" if user["status"] == "disabled" else "disable"
        order = {"reason": "what follows needs it", "seq": user["seq"]}
        user = post(f"/v1/admin/users/{user['user_id']}/{before}", order, **OPERATOR)
    return user


USERS, REDEEMED, OPERATED = [], [], []
# What requests were given to show. One that shows something else is to be refused, and stays as it is.
GIVEN = set()


class Bearer:
    """Shows a token."""

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = "Bearer " + data
        GIVEN.add(case.headers["Authorization"])


@schemathesis.auth(refresh_interval=None).apply_to(path_regex=r"^/v1/admin")
class Operators(Bearer):
    """The operator, who stays the same."""

    def get(self, case, context):
        return os.environ["OPERATOR_TOKEN"]


@schemathesis.auth(refresh_interval=None).apply_to(path_regex=r"^/v1/(me|sessions)")
class Users(Bearer):
    """Each request is one of a session of its own: some requests end theirs, or all."""

    def get(self, case, context):
        return sign_in()["access_token"]


def lead(case):
    """Leads a request of users, or about users, to what is there."""
    method, path = case.operation.method.upper(), case.operation.path
    if (method, path) == ("POST", "/v1/signups/{id}/session"):
        # Once is enough to see it succeed: others wait while sagas hang that were told to.
        if REDEEMED:
            return False
        REDEEMED.append(sign_up(f"{uuid.uuid4().hex}@example.com"))
        case.path_parameters["id"] = REDEEMED[0]["workflow_id"]
        case.body = {"workflow_token": REDEEMED[0]["workflow_token"]}
    elif (method, path) == ("POST", "/v1/sessions"):
        sign_in()
        case.body = {"email": next_user(), "password": PASSWORD}
    elif (method, path) == ("POST", "/v1/sessions/refresh"):
        case.body = {"refresh_token": sign_in()["refresh_token"]}
    elif (method, path) == ("DELETE", "/v1/sessions/{id}") and case.headers.get("Authorization") in GIVEN:
        # One's own: of somebody else's, as of one that there never was, it is only said that it is unknown.
        begun = sign_in()
        case.path_parameters["id"] = begun["session_id"]
        case.headers["Authorization"] = "Bearer " + begun["access_token"]
    elif path.startswith("/v1/admin/users/"):
        user = operated(path.rsplit("/", 1)[1])
        case.path_parameters["id"] = user["user_id"]
        if method == "POST":
            case.body["seq"] = user["seq"]
    elif (method, path) == ("POST", "/v1/me/password"):
        case.body = {"old_password": PASSWORD, "new_password": PASSWORD}
    else:
        return False
    return True


@schemathesis.hook
def before_call(context, case, kwargs):
    """Nobody guesses an id, nor the `seq` that an order must name. Nobody waits for long, either."""
    if case.headers and case.headers.get("Prefer", "").startswith("wait="):
        case.headers["Prefer"] = next(WAITS)
    if case.headers is not None and "X-Forwarded-For" not in case.headers:
        case.headers["X-Forwarded-For"] = next(SOMEBODY)
    if case.operation.path == "/v1/admin/users" and is_valid(case):
        # What all an e-mail must be, no schema says.
        case.query = {"email": operated(None)["email"] if next(TURNS) else "nobody@example.com"}
        return
    in_chain = case.meta is not None and case.meta.phase.name.value == "stateful"
    # A password that is wrong slows down the next ones.
    is_always_right = case.operation.path == "/v1/me/password"
    if in_chain or not is_valid(case) or not (next(TURNS) or is_always_right) or lead(case) or "{id}" not in case.operation.path:
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
