//! What can be wrong with a certificate and its key, in one sentence each that names the file.

/// Why a certificate cannot be shown.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TlsFault {
    /// The file is not there or not for the box to read.
    #[error("the certificate or key {path} cannot be read: {why}")]
    Unread {
        /// The file.
        path: String,
        /// The system's word.
        why: String,
    },
    /// It holds something else.
    #[error("{path} holds no certificate (PEM)")]
    NoCertificate {
        /// The file.
        path: String,
    },
    /// It holds something else.
    #[error("{path} holds no private key without a password (PEM)")]
    NoKey {
        /// The file.
        path: String,
    },
    /// The certificate is damaged, or of a kind that is not spoken.
    #[error("the certificate in {path} cannot be used: {why}")]
    BadCertificate {
        /// The file.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// The key is damaged, or of a kind that is not spoken.
    #[error("the key in {path} cannot be used: {why}")]
    BadKey {
        /// The file.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// They are not a pair.
    #[error("the key in {key} does not belong to the certificate in {certificate}")]
    NoPair {
        /// The certificate's file.
        certificate: String,
        /// The key's.
        key: String,
    },
    /// The system has no random numbers, or a host's name is none.
    #[error("no certificate can be made: {why}")]
    NotMade {
        /// What is wrong.
        why: String,
    },
}
