//! Keys at hand: from armored or binary bytes to certificates whose claims are still unproven.
//!
//! A packet that cannot be read is passed over: one odd old signature must not cost the key.
//! What a certificate may do is judged in `policy.rs`, signature by signature.

use std::collections::BTreeMap;

use pgp::packet::{
    Packet, PacketParser, PublicKey, PublicSubkey, Signature, SignatureType, UserId,
};
use pgp::types::KeyDetails;

use super::armor::{self, Block};
use super::fingerprint::Fingerprint;

/// Why bytes are no keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing there.
    #[error("the key file is empty, expected an OpenPGP public key")]
    Empty,
    /// A web page instead.
    #[error("the key file is an HTML page, expected an OpenPGP public key")]
    Html,
    /// Armor that cannot be decoded.
    #[error("the armor of the key file is damaged, expected Base64 lines up to its END line")]
    Damaged,
    /// Readable, but no public key in it.
    #[error(
        "the key file holds no OpenPGP public key that we can read, neither armored nor binary"
    )]
    NoKey,
}

/// Public keys, by the fingerprint of their primary key. Having a key here is no trust in it:
/// each check names the fingerprints that it trusts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keyring {
    certificates: BTreeMap<Fingerprint, Certificate>,
}

/// A primary key with what claims to belong to it; nothing of that is proven here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Certificate {
    pub(super) primary: PublicKey,
    /// Signatures over the primary key itself: direct ones and revocations.
    pub(super) direct: Vec<Signature>,
    pub(super) users: Vec<(UserId, Vec<Signature>)>,
    pub(super) subkeys: Vec<(PublicSubkey, Vec<Signature>)>,
}

impl Keyring {
    /// Reads every public key of a file: binary, or in any number of armored blocks.
    ///
    /// Fails with [`KeyError`] if there is none.
    pub fn parse(file: &[u8]) -> Result<Self, KeyError> {
        if file.trim_ascii().is_empty() {
            return Err(KeyError::Empty);
        }
        let mut keyring = Self::default();
        if armor::is_binary(file) {
            keyring.read(file);
        } else {
            let blocks = armor::blocks(file, Block::PublicKey).map_err(|_| KeyError::Damaged)?;
            for block in &blocks {
                keyring.read(block);
            }
            if blocks.is_empty() && armor::is_html(file) {
                return Err(KeyError::Html);
            }
        }
        if keyring.is_empty() {
            return Err(KeyError::NoKey);
        }
        Ok(keyring)
    }

    /// The fingerprints of the primary keys, in order.
    pub fn fingerprints(&self) -> impl Iterator<Item = &Fingerprint> {
        self.certificates.keys()
    }

    /// The keys whose primary fingerprint is pinned.
    #[must_use]
    pub fn only(&self, pinned: &[Fingerprint]) -> Self {
        let certificates = self
            .certificates
            .iter()
            .filter(|(fingerprint, _)| pinned.contains(fingerprint))
            .map(|(fingerprint, certificate)| (fingerprint.clone(), certificate.clone()))
            .collect();
        Self { certificates }
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    /// Adds other keys; two copies of one key become one that knows what either knew, so a
    /// revocation in one copy holds.
    pub fn extend(&mut self, other: Self) {
        for certificate in other.certificates.into_values() {
            self.add(certificate);
        }
    }

    pub(super) fn certificates(&self) -> impl Iterator<Item = (&Fingerprint, &Certificate)> {
        self.certificates.iter()
    }

    fn add(&mut self, certificate: Certificate) {
        let fingerprint = Fingerprint::of(&certificate.primary);
        match self.certificates.get_mut(&fingerprint) {
            Some(known) => known.merge(certificate),
            None => {
                self.certificates.insert(fingerprint, certificate);
            }
        }
    }

    /// Reads packets. What follows a primary key that cannot be read may end up at the key before
    /// it; it cannot pass for that key's, since every signature is verified before it counts.
    fn read(&mut self, packets: &[u8]) {
        let mut current: Option<Certificate> = None;
        let mut owner = Owner::Primary;
        for packet in PacketParser::new(packets).flatten() {
            match (packet, &mut current) {
                (Packet::PublicKey(primary), current) => {
                    let before = current.replace(Certificate::new(primary));
                    owner = Owner::Primary;
                    if let Some(certificate) = before {
                        self.add(certificate);
                    }
                }
                (Packet::UserId(user), Some(certificate)) => {
                    certificate.users.push((user, Vec::new()));
                    owner = Owner::User;
                }
                (Packet::PublicSubkey(subkey), Some(certificate)) => {
                    certificate.subkeys.push((subkey, Vec::new()));
                    owner = Owner::Subkey;
                }
                (Packet::Signature(signature), Some(certificate)) => {
                    certificate.take(signature, owner);
                }
                (Packet::UserAttribute(_), Some(_)) => owner = Owner::Ignored,
                _ => {}
            }
        }
        if let Some(certificate) = current {
            self.add(certificate);
        }
    }
}

/// What the packet before a signature was.
#[derive(Clone, Copy)]
enum Owner {
    Primary,
    User,
    Subkey,
    Ignored,
}

impl Certificate {
    const fn new(primary: PublicKey) -> Self {
        Self {
            primary,
            direct: Vec::new(),
            users: Vec::new(),
            subkeys: Vec::new(),
        }
    }

    /// Files a signature with what it is over. Those of other people are left out: they prove
    /// nothing here, and old keys have hundreds.
    fn take(&mut self, signature: Signature, owner: Owner) {
        if !may_be_by(&signature, &self.primary) {
            return;
        }
        match (signature.typ(), owner) {
            // Key servers file a revocation wherever they like.
            (Some(SignatureType::KeyRevocation | SignatureType::Key), _) | (_, Owner::Primary) => {
                self.direct.push(signature);
            }
            (_, Owner::User) => {
                if let Some((_, signatures)) = self.users.last_mut() {
                    signatures.push(signature);
                }
            }
            (_, Owner::Subkey) => {
                if let Some((_, signatures)) = self.subkeys.last_mut() {
                    signatures.push(signature);
                }
            }
            (_, Owner::Ignored) => {}
        }
    }

    fn merge(&mut self, other: Self) {
        add_new(&mut self.direct, other.direct);
        for (user, signatures) in other.users {
            match self
                .users
                .iter_mut()
                .find(|(known, _)| known.id() == user.id())
            {
                Some((_, known)) => add_new(known, signatures),
                None => self.users.push((user, signatures)),
            }
        }
        for (subkey, signatures) in other.subkeys {
            let same =
                |(known, _): &&mut (PublicSubkey, _)| known.fingerprint() == subkey.fingerprint();
            match self.subkeys.iter_mut().find(same) {
                Some((_, known)) => add_new(known, signatures),
                None => self.subkeys.push((subkey, signatures)),
            }
        }
    }
}

fn add_new(known: &mut Vec<Signature>, more: Vec<Signature>) {
    for signature in more {
        if !known.contains(&signature) {
            known.push(signature);
        }
    }
}

/// Whether a signature names this key as its issuer, or nobody. A hint, not a proof.
pub(super) fn may_be_by(signature: &Signature, key: &impl KeyDetails) -> bool {
    let ids = signature.issuer_key_id();
    let fingerprints = signature.issuer_fingerprint();
    (ids.is_empty() && fingerprints.is_empty())
        || ids.contains(&&key.legacy_key_id())
        || fingerprints.contains(&&key.fingerprint())
}
