//! A certificate for servers on this machine, and the authority that signed it: no test needs one of the world's.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType};
use tempfile::TempDir;

/// A certificate and its key as PEM files, in a folder of their own.
#[derive(Debug)]
pub struct Certificate {
    folder: TempDir,
}

impl Certificate {
    /// One for `localhost` and 127.0.0.1.
    ///
    /// # Panics
    /// When it cannot be made or written.
    #[track_caller]
    pub fn for_this_machine() -> Certificate {
        let localhost = SanType::DnsName("localhost".try_into().expect("an ASCII name"));
        Certificate::new(vec![localhost, SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST))])
    }

    /// One for a machine that this is not.
    ///
    /// # Panics
    /// When it cannot be made or written.
    #[track_caller]
    pub fn for_another_machine() -> Certificate {
        Certificate::new(vec![SanType::DnsName("elsewhere.example".try_into().expect("an ASCII name"))])
    }

    #[track_caller]
    fn new(names: Vec<SanType>) -> Certificate {
        let authority_key = KeyPair::generate().expect("a key");
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "Authority of the tests");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority_pem = authority.self_signed(&authority_key).expect("it can be signed").pem();
        let issuer = Issuer::new(authority, authority_key);

        let key = KeyPair::generate().expect("a key");
        let mut server = CertificateParams::default();
        server.distinguished_name.push(DnType::CommonName, "Server of the tests");
        server.subject_alt_names = names;
        let server_pem = server.signed_by(&key, &issuer).expect("it can be signed").pem();

        let certificate = Certificate { folder: tempfile::tempdir().expect("a temporary folder") };
        let files = [
            (certificate.authority_path(), authority_pem),
            (certificate.path(), server_pem),
            (certificate.key_path(), key.serialize_pem()),
        ];
        for (path, pem) in files {
            fs::write(path, pem).expect("the folder is ours");
        }
        certificate
    }

    /// Who vouches for it.
    pub fn authority_path(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// The certificate.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("server.pem")
    }

    /// Its private key.
    pub fn key_path(&self) -> PathBuf {
        self.folder.path().join("server.key")
    }
}
