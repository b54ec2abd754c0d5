//! Why an access token is refused.

/// Why an access token is refused. Whoever shows one hears of none of it: a reason is for our own logs and tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refused {
    /// Longer than any of ours.
    #[error("longer than 8 KiB")]
    TooLong,
    /// Not three parts in Base64 for URLs, or the header is no JSON object, or has a parameter twice.
    #[error("not a token")]
    Malformed,
    /// The header has an extension that must be understood.
    #[error("the header has a critical extension")]
    Critical,
    /// The header brings a key of its own, or says where there is one.
    #[error("the header names a key of its own")]
    ForeignKey,
    /// Signed with another algorithm than ES256, or none.
    #[error("the algorithm is not ES256")]
    Algorithm,
    /// Another type of token than `at+jwt`.
    #[error("the type is not `at+jwt`")]
    Type,
    /// The key that it names is none of the published ones, or it names none.
    #[error("the key is not published")]
    UnknownKey,
    /// The key that it names did not sign it.
    #[error("the signature does not match")]
    Signature,
    /// A claim is missing, there twice, or not what it should be.
    #[error("the claims are not those of an access token")]
    Claims,
    /// Somebody else issued it.
    #[error("the issuer is another one")]
    Issuer,
    /// It is for somebody else.
    #[error("the audience is another one")]
    Audience,
    /// It lives longer than any of ours.
    #[error("it lives for too long")]
    Lifetime,
    /// It was issued in the future, or its time has not begun.
    #[error("it is not valid yet")]
    NotYetValid,
    /// Its time has ended.
    #[error("it has expired")]
    Expired,
}
