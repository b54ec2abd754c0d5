//! Tokens that somebody forged, damaged or mistook for ours: each is made for real, and refused for its own reason.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING,
    ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, ParsedPublicKey,
    RSA_PKCS1_SHA256,
};
use aws_lc_rs::{hmac, rsa};
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use saga::OsRandom;
use serde_json::{Value, json};
use signup::{EmailAddress, HashKey, OperatorToken, OrganizationId, UserId};

use super::*;
use crate::{Generation, KeyId, PUBLISHED_BEFORE, RefreshToken, Role, SealedKey, SessionId, StoredKey};

const NOW: i64 = 1_700_000_000;
const DAY: i64 = 24 * 3600;

/// Our keys: one that is retired, one that has just been succeeded, the one that signs, and the next.
struct Keys {
    retired: SigningKey,
    former: SigningKey,
    ours: SigningKey,
    next: SigningKey,
    attacker: SigningKey,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let [retired, former, ours, next, attacker] = std::array::from_fn(|_| SigningKey::generate().unwrap());
    Keys { retired, former, ours, next, attacker }
});

static KEYRING: LazyLock<Keyring> = LazyLock::new(|| {
    Keyring::new(vec![
        stored(1, &KEYS.retired, NOW - 60 * DAY),
        stored(2, &KEYS.former, NOW - 30 * DAY),
        stored(3, &KEYS.ours, NOW - 60),
        stored(4, &KEYS.next, NOW + 600),
    ])
});

/// What it is, the token, and why it is refused.
type Forgery = (&'static str, String, Refused);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn stored(generation: u32, key: &SigningKey, signs_from: i64) -> StoredKey {
    StoredKey {
        generation,
        id: key.id().clone(),
        public: *key.public(),
        sealed: SealedKey::from_bytes(Vec::new()),
        created_at: at(signs_from),
        signs_from: at(signs_from),
    }
}

fn issuer() -> Issuer {
    Issuer { issuer: "https://signup.example".to_owned(), audience: "https://api.example".to_owned() }
}

fn holder_of(access: Access) -> Holder {
    let Access { session, user, organization, role, email, .. } = access;
    Holder { session, user, organization, role, email: EmailAddress::parse(&email).unwrap() }
}

fn holder() -> Holder {
    Holder {
        session: SessionId::from_uuid(Uuid::from_u128(1)),
        user: UserId(Uuid::from_u128(2)),
        email: EmailAddress::parse("Ada@example.com").unwrap(),
        organization: OrganizationId(Uuid::from_u128(3)),
        role: Role::Owner,
    }
}

fn issued() -> String {
    issuer().issue(&KEYS.ours, &holder(), at(NOW), &OsRandom).unwrap().reveal().to_owned()
}

fn verify(token: &str, now: i64) -> Result<Access, Refused> {
    issuer().verify(&KEYRING, token, at(now))
}

fn header() -> Value {
    json!({ "typ": "at+jwt", "alg": "ES256", "kid": KEYS.ours.id().as_str() })
}

fn claims() -> Value {
    json!({
        "iss": "https://signup.example", "aud": "https://api.example",
        "sub": "usr_00000000000000000000000000000002", "sid": "ses_00000000000000000000000000000001",
        "org_id": "org_00000000000000000000000000000003", "role": "owner", "email": "Ada@example.com",
        "iat": NOW, "nbf": NOW, "exp": NOW + 600, "jti": "00000000-0000-4000-8000-000000000000",
    })
}

fn with(mut object: Value, name: &str, value: impl Into<Value>) -> Value {
    object[name] = value.into();
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name).unwrap();
    object
}

/// The two parts that are signed, whatever they hold.
#[expect(clippy::needless_pass_by_value, reason = "what is handed in is made on the spot")]
fn message(header: impl ToString, claims: impl ToString) -> String {
    [header.to_string(), claims.to_string()].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
}

fn joined(message: &str, signature: impl AsRef<[u8]>) -> String {
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn sign_as(algorithm: &'static EcdsaSigningAlgorithm, key: &SigningKey, message: &str) -> Vec<u8> {
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, key.private().as_bytes()).unwrap();
    pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec()
}

fn signed_by(key: &SigningKey, header: impl ToString, claims: impl ToString) -> String {
    let message = message(header, claims);
    let signature = sign_as(&ECDSA_P256_SHA256_FIXED_SIGNING, key, &message);
    joined(&message, signature)
}

/// Signed by the key that we sign with: refused all the same.
fn signed(header: impl ToString, claims: impl ToString) -> String {
    signed_by(&KEYS.ours, header, claims)
}

fn claiming(name: &str, value: impl Into<Value>) -> String {
    signed(header(), with(claims(), name, value))
}

fn heading(name: &str, value: impl Into<Value>) -> String {
    signed(with(header(), name, value), claims())
}

fn unsigned() -> Vec<Forgery> {
    let none = |alg: &str| format!("{}.", message(with(header(), "alg", alg), claims()));
    let keeping = issued().rsplit_once('.').unwrap().1.to_owned();
    vec![
        ("alg none", none("none"), Refused::Algorithm),
        ("alg None", none("None"), Refused::Algorithm),
        ("alg NONE", none("NONE"), Refused::Algorithm),
        ("alg nOnE", none("nOnE"), Refused::Algorithm),
        ("alg none with a space", none("none "), Refused::Algorithm),
        ("alg empty", none(""), Refused::Algorithm),
        (
            "alg none with the signature of another token",
            format!("{}.{keeping}", message(with(header(), "alg", "none"), claims())),
            Refused::Algorithm,
        ),
        ("alg none, truly signed", heading("alg", "none"), Refused::Algorithm),
        ("alg in lower case", heading("alg", "es256"), Refused::Algorithm),
        ("alg with a zero byte", heading("alg", "ES256\0"), Refused::Algorithm),
        ("alg missing", signed(without(header(), "alg"), claims()), Refused::Algorithm),
        ("alg null", heading("alg", Value::Null), Refused::Algorithm),
        ("alg a number", heading("alg", 256), Refused::Malformed),
        ("alg a list", heading("alg", json!(["ES256"])), Refused::Malformed),
    ]
}

fn with_the_public_key_as_secret() -> Vec<Forgery> {
    let point = KEYS.ours.public().as_bytes();
    let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).unwrap();
    let der: aws_lc_rs::encoding::PublicKeyX509Der<'_> = parsed.as_der().unwrap();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der.as_ref()));
    let jwk = serde_json::to_string(&KEYS.ours.public().jwk()).unwrap();
    let x = KEYS.ours.public().jwk().x;
    let hs256 = |alg: &str, secret: &[u8]| {
        let message = message(with(header(), "alg", alg), claims());
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        joined(&message, tag)
    };
    vec![
        ("HS256 with the key as DER", hs256("HS256", der.as_ref()), Refused::Algorithm),
        ("HS256 with the key as PEM", hs256("HS256", pem.as_bytes()), Refused::Algorithm),
        ("HS256 with the key as a point", hs256("HS256", point), Refused::Algorithm),
        ("HS256 with the key as a JWK", hs256("HS256", jwk.as_bytes()), Refused::Algorithm),
        ("HS256 with x", hs256("HS256", &point[1..33]), Refused::Algorithm),
        ("HS256 with x as text", hs256("HS256", x.as_bytes()), Refused::Algorithm),
        ("HS256 with nothing", hs256("HS256", &[]), Refused::Algorithm),
        ("an HMAC that says ES256", hs256("ES256", point), Refused::Signature),
    ]
}

fn of_other_algorithms() -> Vec<Forgery> {
    let random = SystemRandom::new();
    let [es384, eddsa, rs256] = ["ES384", "EdDSA", "RS256"].map(|alg| message(with(header(), "alg", alg), claims()));
    let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    let ed = Ed25519KeyPair::generate().unwrap();
    let rsa = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
    let mut by_rsa = vec![0; rsa.public_modulus_len()];
    rsa.sign(&RSA_PKCS1_SHA256, &random, rs256.as_bytes(), &mut by_rsa).unwrap();
    let honest = message(header(), claims());
    vec![
        ("ES384", joined(&es384, p384.sign(&random, es384.as_bytes()).unwrap()), Refused::Algorithm),
        ("EdDSA", joined(&eddsa, ed.sign(eddsa.as_bytes())), Refused::Algorithm),
        ("RS256", joined(&rs256, &by_rsa), Refused::Algorithm),
        ("ES256K", heading("alg", "ES256K"), Refused::Algorithm),
        ("PS256", heading("alg", "PS256"), Refused::Algorithm),
        ("P-384 that says ES256", joined(&honest, p384.sign(&random, honest.as_bytes()).unwrap()), Refused::Signature),
        ("Ed25519 that says ES256", joined(&honest, ed.sign(honest.as_bytes())), Refused::Signature),
        ("RSA that says ES256", joined(&honest, &by_rsa), Refused::Signature),
    ]
}

fn of_other_types() -> Vec<Forgery> {
    vec![
        ("typ JWT", heading("typ", "JWT"), Refused::Type),
        ("an id token", signed(without(header(), "typ"), with(claims(), "nonce", "n")), Refused::Type),
        ("typ of a logout token", heading("typ", "logout+jwt"), Refused::Type),
        ("typ empty", heading("typ", ""), Refused::Type),
        ("typ null", heading("typ", Value::Null), Refused::Type),
        ("typ with a space", heading("typ", " at+jwt"), Refused::Type),
        ("typ with a parameter", heading("typ", "at+jwt; v=1"), Refused::Type),
        ("typ that lower case would make ours", heading("typ", "at+jw\u{ff34}"), Refused::Type),
        ("typ a list", heading("typ", json!(["at+jwt"])), Refused::Malformed),
    ]
}

fn of_other_keys() -> Vec<Forgery> {
    let naming = |key: &SigningKey, kid: &KeyId| signed_by(key, with(header(), "kid", kid.as_str()), claims());
    let prefix = &KEYS.ours.id().as_str()[..42];
    vec![
        ("kid of the attacker's key", naming(&KEYS.attacker, KEYS.attacker.id()), Refused::UnknownKey),
        ("kid missing", signed(without(header(), "kid"), claims()), Refused::UnknownKey),
        ("kid null", heading("kid", Value::Null), Refused::UnknownKey),
        ("kid empty", heading("kid", ""), Refused::UnknownKey),
        ("kid cut", heading("kid", prefix), Refused::UnknownKey),
        ("kid that is a path", heading("kid", "../../../../dev/null"), Refused::UnknownKey),
        ("kid that is SQL", heading("kid", "' UNION SELECT 'key' --"), Refused::UnknownKey),
        ("kid that is a command", heading("kid", "key|/usr/bin/id"), Refused::UnknownKey),
        ("kid with a zero byte", heading("kid", format!("{}\0", KEYS.ours.id())), Refused::UnknownKey),
        ("kid a number", heading("kid", 3), Refused::Malformed),
        ("kid of the key that signed before", naming(&KEYS.ours, KEYS.former.id()), Refused::Signature),
        ("kid of the next key", naming(&KEYS.ours, KEYS.next.id()), Refused::Signature),
        ("a retired key", naming(&KEYS.retired, KEYS.retired.id()), Refused::UnknownKey),
        ("a retired key under the present kid", naming(&KEYS.retired, KEYS.ours.id()), Refused::Signature),
        ("the attacker's key under our kid", naming(&KEYS.attacker, KEYS.ours.id()), Refused::Signature),
    ]
}

fn that_bring_a_key() -> Vec<Forgery> {
    let jwk = serde_json::to_value(KEYS.attacker.public().jwk()).unwrap();
    let bringing = |name: &str, value: Value| signed_by(&KEYS.attacker, with(header(), name, value), claims());
    let url = || Value::from("https://attacker.example/keys.json");
    vec![
        ("jwk of the attacker", bringing("jwk", jwk), Refused::ForeignKey),
        (
            "jwk of our own",
            heading("jwk", serde_json::to_value(KEYS.ours.public().jwk()).unwrap()),
            Refused::ForeignKey,
        ),
        ("jwk null", heading("jwk", Value::Null), Refused::ForeignKey),
        ("jku of the attacker", bringing("jku", url()), Refused::ForeignKey),
        ("jku inside the network", heading("jku", "http://169.254.169.254/"), Refused::ForeignKey),
        ("x5u of the attacker", bringing("x5u", url()), Refused::ForeignKey),
        ("x5c of the attacker", bringing("x5c", json!(["MIIB"])), Refused::ForeignKey),
        ("crit that we do not know", heading("crit", json!(["exp"])), Refused::Critical),
        ("crit empty", heading("crit", json!([])), Refused::Critical),
        ("crit null", heading("crit", Value::Null), Refused::Critical),
        ("b64 false", signed(with(with(header(), "crit", json!(["b64"])), "b64", false), claims()), Refused::Critical),
        ("b64 false without crit", heading("b64", false), Refused::Critical),
    ]
}

fn that_were_damaged() -> Vec<Forgery> {
    let token = issued();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (head, body) = message.split_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let other = URL_SAFE_NO_PAD.encode(with(claims(), "sub", "usr_00000000000000000000000000000009").to_string());
    let cased = URL_SAFE_NO_PAD.encode(with(header(), "typ", "AT+JWT").to_string());
    let der = sign_as(&ECDSA_P256_SHA256_ASN1_SIGNING, &KEYS.ours, message);
    let swapped = [&bytes[32..], &bytes[..32]].concat();
    let mut order = [0; 64];
    order[..32].copy_from_slice(&P256_ORDER);
    order[32..].copy_from_slice(&P256_ORDER);
    let one: [u8; 64] = std::array::from_fn(|at| u8::from(at % 32 == 31));
    vec![
        ("another payload", format!("{head}.{other}.{signature}"), Refused::Signature),
        ("another header", format!("{cased}.{body}.{signature}"), Refused::Signature),
        ("the signature of another token", joined(message, issued_signature()), Refused::Signature),
        ("a signature cut by a byte", joined(message, &bytes[..63]), Refused::Signature),
        ("a signature cut by half", joined(message, &bytes[..32]), Refused::Signature),
        ("a signature with a byte more", joined(message, [&bytes[..], &[0]].concat()), Refused::Signature),
        ("a signature in DER", joined(message, der), Refused::Signature),
        ("an empty signature", format!("{message}."), Refused::Signature),
        ("r and s zero", joined(message, [0; 64]), Refused::Signature),
        ("r and s the order of the curve", joined(message, order), Refused::Signature),
        ("r and s one", joined(message, one), Refused::Signature),
        ("r and s all ones", joined(message, [0xff; 64]), Refused::Signature),
        ("r and s swapped", joined(message, swapped), Refused::Signature),
        ("header and payload swapped", signed(claims(), header()), Refused::Algorithm),
    ]
}

/// The order of P-256 (FIPS 186-4, D.1.2.3).
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

fn issued_signature() -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(claiming("role", "other").rsplit_once('.').unwrap().1).unwrap()
}

/// The token, with the last digit of its signature raised: the same bytes, and bits that belong to none.
fn with_stray_bits(token: &str) -> String {
    let last = char::from(token.as_bytes()[token.len() - 1] + 1);
    format!("{}{last}", &token[..token.len() - 1])
}

/// A token with `>` and `?` where Base64 has different digits for URLs.
fn in_the_standard_alphabet() -> String {
    let message = message(with(header(), "x", "\u{3fe}\u{3ff}~~~???>>>"), claims());
    let token = joined(&message, sign_as(&ECDSA_P256_SHA256_FIXED_SIGNING, &KEYS.ours, &message));
    assert!(token.contains(['-', '_']));
    token.replace('-', "+").replace('_', "/")
}

fn that_are_no_tokens() -> Vec<Forgery> {
    let token = issued();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (head, body) = message.split_once('.').unwrap();
    let operator = OperatorToken::new([1; 32]);
    let refresh = RefreshToken::issue(&HashKey::new([7; 32]), holder().session, Generation::FIRST);
    let encrypted = format!("{head}.{body}.{body}.{body}.{signature}");
    vec![
        ("nothing", String::new(), Refused::Malformed),
        ("dots alone", "..".to_owned(), Refused::Malformed),
        ("one part", head.to_owned(), Refused::Malformed),
        ("two parts", message.to_owned(), Refused::Malformed),
        ("four parts", format!("{token}.{signature}"), Refused::Malformed),
        ("a fourth part that is empty", format!("{token}."), Refused::Malformed),
        ("five parts", encrypted, Refused::Malformed),
        ("an empty header", format!(".{body}.{signature}"), Refused::Malformed),
        ("a space in front", format!(" {token}"), Refused::Malformed),
        ("a newline behind", format!("{token}\n"), Refused::Malformed),
        ("a newline within", token.replacen('.', "\n.", 1), Refused::Malformed),
        ("the scheme in front", format!("Bearer {token}"), Refused::Malformed),
        ("padding", format!("{token}=="), Refused::Malformed),
        ("stray bits", with_stray_bits(&token), Refused::Malformed),
        ("the standard alphabet", in_the_standard_alphabet(), Refused::Malformed),
        ("letters beyond ASCII", format!("{message}.\u{e4}"), Refused::Malformed),
        ("an operator's token", operator.reveal().to_owned(), Refused::Malformed),
        ("a refresh token", refresh.reveal().to_owned(), Refused::Malformed),
        ("too long", format!("{token}{}", "A".repeat(8192)), Refused::TooLong),
        ("too long, truly signed", claiming("more", "a".repeat(8192)), Refused::TooLong),
    ]
}

fn of_damaged_json() -> Vec<Forgery> {
    let kid = KEYS.ours.id();
    let twice = |name: &str, first: &str| {
        let text = claims().to_string();
        signed(header(), format!(r#"{{"{name}":{first},{}"#, &text[1..]))
    };
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let nested = |name: &str| format!(r#"{{"{name}":{},{}"#, deep(2000), &without(claims(), name).to_string()[1..]);
    let two_algorithms = format!(r#"{{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"{kid}"}}"#);
    let two_kids = format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"a","kid":"{kid}"}}"#);
    let listed = json!(["ES256", "at+jwt", kid.as_str()]);
    let values = claims().as_object().unwrap().values().cloned().collect::<Vec<_>>();
    vec![
        ("a header with two algorithms", signed(two_algorithms, claims()), Refused::Malformed),
        ("a header with two kids", signed(two_kids, claims()), Refused::Malformed),
        ("a header that is a list", signed(listed, claims()), Refused::Malformed),
        ("a header that is no JSON", signed("alg=ES256", claims()), Refused::Malformed),
        ("a header with more behind", signed(format!("{}{{}}", header()), claims()), Refused::Malformed),
        ("a header that is deep", signed(format!(r#"{{"alg":{}}}"#, deep(2000)), claims()), Refused::Malformed),
        ("two subjects", twice("sub", r#""usr_00000000000000000000000000000009""#), Refused::Claims),
        ("two ends", twice("exp", "9999999999"), Refused::Claims),
        ("two audiences, one after the other", twice("aud", r#""https://api.example""#), Refused::Claims),
        ("two roles, one written with an escape", twice(r"r\u006fle", r#""owner""#), Refused::Claims),
        ("a payload that is a list", signed(header(), Value::from(values)), Refused::Claims),
        ("a payload that is no JSON", signed(header(), "sub=usr"), Refused::Claims),
        ("a payload that is empty", signed(header(), ""), Refused::Claims),
        ("a payload that is another token", signed(header(), issued()), Refused::Claims),
        ("a role that is deep", signed(header(), nested("role")), Refused::Claims),
        ("an audience that is deep", signed(header(), nested("aud")), Refused::Claims),
    ]
}

fn of_other_times() -> Vec<Forgery> {
    let lacking = |name: &str| signed(header(), without(claims(), name));
    let past = with(with(with(claims(), "iat", NOW - 700), "nbf", NOW - 700), "exp", NOW - 100);
    let future = with(with(with(claims(), "iat", NOW + 31), "nbf", NOW), "exp", NOW + 600);
    let huge = claims().to_string().replace(&format!("\"exp\":{}", NOW + 600), "\"exp\":99999999999999999999");
    vec![
        ("exp missing", lacking("exp"), Refused::Claims),
        ("exp null", claiming("exp", Value::Null), Refused::Claims),
        ("exp a text", claiming("exp", (NOW + 600).to_string()), Refused::Claims),
        ("exp a fraction", claiming("exp", 1_700_000_600.0), Refused::Claims),
        ("exp a list", claiming("exp", json!([NOW + 600])), Refused::Claims),
        ("exp beyond 64 bits", signed(header(), huge), Refused::Claims),
        ("exp negative", claiming("exp", -1), Refused::Expired),
        ("exp the first second of all", claiming("exp", i64::MIN), Refused::Expired),
        ("exp past", signed(header(), past), Refused::Expired),
        ("exp before iat", claiming("exp", NOW - 30), Refused::Expired),
        ("exp too far in the future", claiming("exp", NOW + 631), Refused::Lifetime),
        ("exp never", claiming("exp", i64::MAX), Refused::Lifetime),
        ("iat long ago and exp now", claiming("iat", NOW - DAY), Refused::Lifetime),
        ("iat the first second of all", claiming("iat", i64::MIN), Refused::Lifetime),
        ("exp in milliseconds", claiming("exp", (NOW + 600) * 1000), Refused::Lifetime),
        ("nbf missing", lacking("nbf"), Refused::Claims),
        ("nbf a text", claiming("nbf", NOW.to_string()), Refused::Claims),
        ("nbf in the future", claiming("nbf", NOW + 31), Refused::NotYetValid),
        ("nbf never", claiming("nbf", i64::MAX), Refused::NotYetValid),
        ("iat missing", lacking("iat"), Refused::Claims),
        ("iat a fraction", claiming("iat", 1_700_000_000.5), Refused::Claims),
        ("iat in the future", signed(header(), future), Refused::NotYetValid),
    ]
}

fn of_other_parties() -> Vec<Forgery> {
    let lacking = |name: &str| signed(header(), without(claims(), name));
    vec![
        ("iss of somebody else", claiming("iss", "https://attacker.example"), Refused::Issuer),
        ("iss that begins like ours", claiming("iss", "https://signup.example.attacker.example"), Refused::Issuer),
        ("iss that ours begins with", claiming("iss", "https://signup"), Refused::Issuer),
        ("iss with a slash behind", claiming("iss", "https://signup.example/"), Refused::Issuer),
        ("iss in upper case", claiming("iss", "HTTPS://SIGNUP.EXAMPLE"), Refused::Issuer),
        ("iss a list", claiming("iss", json!(["https://signup.example"])), Refused::Issuer),
        ("iss missing", lacking("iss"), Refused::Issuer),
        ("aud of somebody else", claiming("aud", "https://other.example"), Refused::Audience),
        ("aud a list with ours", claiming("aud", json!(["https://api.example", "x"])), Refused::Audience),
        ("aud a list of ours alone", claiming("aud", json!(["https://api.example"])), Refused::Audience),
        ("aud the issuer", claiming("aud", "https://signup.example"), Refused::Audience),
        ("aud empty", claiming("aud", ""), Refused::Audience),
        ("aud null", claiming("aud", Value::Null), Refused::Audience),
        ("aud missing", lacking("aud"), Refused::Audience),
    ]
}

fn of_other_claims() -> Vec<Forgery> {
    let lacking = |name: &str| signed(header(), without(claims(), name));
    let id = "00000000000000000000000000000002";
    vec![
        ("sub missing", lacking("sub"), Refused::Claims),
        ("sub no id", claiming("sub", "ada"), Refused::Claims),
        ("sub an organization", claiming("sub", format!("org_{id}")), Refused::Claims),
        ("sub a session", claiming("sub", format!("ses_{id}")), Refused::Claims),
        ("sub without a prefix", claiming("sub", id), Refused::Claims),
        ("sub with more behind", claiming("sub", format!("usr_{id}\n")), Refused::Claims),
        ("sub a number", claiming("sub", 2), Refused::Claims),
        ("sub a list", claiming("sub", json!([format!("usr_{id}")])), Refused::Claims),
        ("sid missing", lacking("sid"), Refused::Claims),
        ("sid a user", claiming("sid", format!("usr_{id}")), Refused::Claims),
        ("org_id missing", lacking("org_id"), Refused::Claims),
        ("org_id a user", claiming("org_id", format!("usr_{id}")), Refused::Claims),
        ("role missing", lacking("role"), Refused::Claims),
        ("role that nobody has", claiming("role", "superuser"), Refused::Claims),
        ("role in upper case", claiming("role", "OWNER"), Refused::Claims),
        ("role a truth", claiming("role", true), Refused::Claims),
        ("role a list", claiming("role", json!(["owner"])), Refused::Claims),
        ("email missing", lacking("email"), Refused::Claims),
        ("email no text", claiming("email", 7), Refused::Claims),
        ("jti missing", lacking("jti"), Refused::Claims),
        ("jti no id", claiming("jti", "1"), Refused::Claims),
    ]
}

fn forgeries() -> Vec<Forgery> {
    [
        unsigned(),
        with_the_public_key_as_secret(),
        of_other_algorithms(),
        of_other_types(),
        of_other_keys(),
        that_bring_a_key(),
        that_were_damaged(),
        that_are_no_tokens(),
        of_damaged_json(),
        of_other_times(),
        of_other_parties(),
        of_other_claims(),
    ]
    .concat()
}

#[test]
fn every_forged_token_is_refused_for_its_own_reason() {
    let forgeries = forgeries();
    let wrong: Vec<_> = forgeries
        .iter()
        .map(|(what, token, reason)| (what, verify(token, NOW), reason))
        .filter(|(_, verified, reason)| verified.as_ref().err() != Some(*reason))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let tokens: BTreeSet<_> = forgeries.iter().map(|(_, token, _)| token).collect();
    let names: BTreeSet<_> = forgeries.iter().map(|(what, ..)| what).collect();
    assert!(tokens.len() >= 150, "{}", tokens.len());
    assert_eq!(names.len(), forgeries.len(), "no two are called the same");
}

#[test]
fn each_reason_has_a_forgery() {
    let reasons: std::collections::HashSet<_> = forgeries().into_iter().map(|(_, _, reason)| reason).collect();
    assert_eq!(reasons.len(), Refused::Expired as usize + 1, "{reasons:?}");
}

#[test]
fn what_the_forgeries_are_made_from_is_no_forgery() {
    let access = verify(&signed(header(), claims()), NOW).unwrap();
    assert_eq!(holder_of(access.clone()), holder());
    assert_eq!(access.expires_at, at(NOW + 600));
}

#[test]
fn a_token_that_is_issued_says_whom_it_stands_for() {
    let access = verify(&issued(), NOW).unwrap();
    assert_eq!(holder_of(access.clone()), holder());
    assert_eq!(access.expires_at, at(NOW) + ACCESS_LIFE);
    assert_ne!(access.id, verify(&issued(), NOW).unwrap().id);
}

#[test]
fn a_token_does_not_show_itself() {
    let token = issuer().issue(&KEYS.ours, &holder(), at(NOW), &OsRandom).unwrap();
    assert_eq!(format!("{token:?}"), "[redacted]");
    assert!(token.reveal().len() < 1024, "{}", token.reveal().len());
}

#[test]
fn both_spellings_of_the_type_are_ours() {
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
        assert!(verify(&heading("typ", typ), NOW).is_ok(), "{typ}");
    }
}

#[test]
fn what_a_later_program_adds_is_passed_over() {
    assert!(verify(&heading("new", json!({ "a": [1] })), NOW).is_ok());
    assert!(verify(&claiming("new", json!({ "a": [1] })), NOW).is_ok());
}

#[test]
fn a_token_lives_from_the_leeway_before_to_the_leeway_after() {
    let (token, leeway, life) = (issued(), LEEWAY.as_secs(), ACCESS_LIFE.as_secs());
    assert_eq!(verify(&token, NOW - leeway - 1), Err(Refused::NotYetValid));
    assert!(verify(&token, NOW - leeway).is_ok());
    assert!(verify(&token, NOW + life + leeway - 1).is_ok());
    assert_eq!(verify(&token, NOW + life + leeway), Err(Refused::Expired));
}

#[test]
fn a_token_verifies_during_the_whole_overlap_of_a_rotation_and_not_after() {
    let (old, new) = (&KEYS.former, &KEYS.ours);
    let change = NOW + PUBLISHED_BEFORE.as_secs();
    let ring = Keyring::new(vec![stored(1, old, NOW - 30 * DAY), stored(2, new, change)]);
    let verify = |token: &AccessToken, now| issuer().verify(&ring, token.reveal(), at(now));
    let issue = |key, now| issuer().issue(key, &holder(), at(now), &OsRandom).unwrap();
    // The last that the old key signs, and the first that the new one does on a clock that is ahead.
    let (last, first) = (issue(old, change - 1), issue(new, change));
    let ends = change - 1 + ACCESS_LIFE.as_secs() + LEEWAY.as_secs();
    for now in (change - LEEWAY.as_secs()..ends).step_by(7).chain([ends - 1]) {
        assert!(verify(&last, now).is_ok() && verify(&first, now).is_ok(), "at {now}");
    }
    assert_eq!(verify(&last, ends), Err(Refused::Expired));
    assert_eq!(verify(&last, ends + 1), Err(Refused::UnknownKey));
    assert!(verify(&first, ends).is_ok());
}

#[test]
fn a_former_key_signs_nothing_once_it_is_retired_whatever_the_token_says() {
    let ring = Keyring::new(vec![stored(1, &KEYS.former, NOW - DAY), stored(2, &KEYS.ours, NOW - 3600)]);
    let token = issuer().issue(&KEYS.former, &holder(), at(NOW), &OsRandom).unwrap();
    assert_eq!(issuer().verify(&ring, token.reveal(), at(NOW)), Err(Refused::UnknownKey));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_changed_character_anywhere_is_refused(at in any::<prop::sample::Index>(), other in "[A-Za-z0-9_.=-]") {
        let mut token = issued();
        let at = at.index(token.len());
        prop_assume!(token[at..=at] != other);
        token.replace_range(at..=at, &other);
        prop_assert!(verify(&token, NOW).is_err());
    }

    #[test]
    fn no_text_makes_it_panic(head in "\\PC{0,60}", body in "\\PC{0,60}", text in "\\PC{0,100}") {
        prop_assert!(verify(&text, NOW).is_err());
        prop_assert!(verify(&signed(&head, claims()), NOW).is_err());
        prop_assert!(verify(&signed(header(), &body), NOW).is_err());
    }
}
