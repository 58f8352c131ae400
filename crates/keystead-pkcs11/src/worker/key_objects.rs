//! Keys in the token: finding, making, sealing, destroying.

use std::time::Instant;

use cryptoki::error::Error;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::session::Session;

use super::Worker;
use super::key_info::{key_info, key_or_fragment_info};
use super::key_template::{Purpose, new_aes_key};
use super::token::Token;
use super::worker::Changes;
use crate::{HsmError, KeyInfo};

/// `CKA_ID` and `CKA_LABEL` of the masking key.
pub(crate) const MASKING_KEY: &str = "keystead masking key";

impl Worker {
    pub(crate) fn keys(&self, deadline: Instant) -> Result<Vec<KeyInfo>, HsmError> {
        self.tell_keys(&[Attribute::Class(ObjectClass::SECRET_KEY)], deadline)
    }

    pub(crate) fn find_keys(&self, id: &[u8], deadline: Instant) -> Result<Vec<KeyInfo>, HsmError> {
        self.tell_keys(&of_id(id), deadline)
    }

    pub(crate) fn masking_key(&self, deadline: Instant) -> Result<Option<KeyInfo>, HsmError> {
        let mut found = self.find_keys(MASKING_KEY.as_bytes(), deadline)?;
        match found.len() {
            0 | 1 => Ok(found.pop()),
            _ => Err(HsmError::KeyAmbiguous),
        }
    }

    pub(crate) fn generate_key(&self, id: &[u8], label: &str, extractable: bool) -> Result<KeyInfo, HsmError> {
        self.make_key(id, &new_aes_key(id, label, Purpose::Encryption, extractable))
    }

    pub(crate) fn generate_masking_key(&self) -> Result<KeyInfo, HsmError> {
        let id = MASKING_KEY.as_bytes();
        self.make_key(id, &new_aes_key(id, MASKING_KEY, Purpose::Masking, true))
    }

    pub(crate) fn seal_key(&self, id: &[u8]) -> Result<KeyInfo, HsmError> {
        self.need_kms()?;
        self.change_objects(id, |session, _| {
            let key = self.find_one(session, id)?;
            if key_info(session, key).map_err(|error| self.blame(error))?.attributes.extractable {
                let seal = [Attribute::Extractable(false)];
                session.update_attributes(key, &seal).map_err(|error| self.blame(error))?;
            }
            key_info(session, key).map_err(|error| self.blame(error))
        })
    }

    pub(crate) fn destroy_key(&self, id: &[u8]) -> Result<u32, HsmError> {
        self.need_login()?;
        let destroyed = self.change_objects(id, |session, _| {
            let found = session.find_objects(&of_id(id)).map_err(|error| self.blame(error))?;
            for key in &found {
                session.destroy_object(*key).map_err(|error| self.blame(error))?;
            }
            Ok(u32::try_from(found.len()).unwrap_or(u32::MAX))
        });
        // These may have been the last keys, and then they have not vanished.
        self.token()?.handles.forget_all();
        destroyed
    }

    /// Makes a change of the objects with this ID, one at a time, durably.
    pub(crate) fn change_objects<T>(
        &self,
        id: &[u8],
        change: impl FnOnce(&Session, &mut Option<ObjectHandle>) -> Result<T, HsmError>,
    ) -> Result<T, HsmError> {
        let mut changes = self.changes();
        // Without a login there would be nothing to find, and nothing to destroy.
        self.restore_login_in(&mut changes)?;
        let Changes { session, transport_key, .. } = &mut *changes;
        let session = session.as_ref().ok_or(HsmError::NotLoggedIn)?;
        let changed = self.change(false, || change(session, transport_key));
        self.token()?.handles.forget(id);
        changed
    }

    /// The one key with this ID.
    pub(crate) fn find_one(&self, session: &Session, id: &[u8]) -> Result<ObjectHandle, HsmError> {
        let found = session.find_objects(&of_id(id)).map_err(|error| self.blame(error))?;
        match found.as_slice() {
            [] => Err(HsmError::KeyNotFound),
            [key] => Ok(*key),
            _ => Err(HsmError::KeyAmbiguous),
        }
    }

    /// The handle of the one key with this ID, from the cache if it is there.
    pub(crate) fn handle(&self, token: &Token, session: &Session, id: &[u8]) -> Result<ObjectHandle, HsmError> {
        if let Some(handle) = token.handles.get(id) {
            return Ok(handle);
        }
        let epoch = token.handles.epoch();
        let handle = self.find_one(session, id)?;
        token.handles.put(epoch, id, handle);
        Ok(handle)
    }

    fn make_key(&self, id: &[u8], template: &[Attribute]) -> Result<KeyInfo, HsmError> {
        self.need_kms()?;
        self.change_objects(id, |session, _| {
            let make = || key_info(session, session.generate_key(&Mechanism::AesKeyGen, template)?);
            make().map_err(|error| self.blame(error))
        })
    }

    fn tell_keys(&self, template: &[Attribute], deadline: Instant) -> Result<Vec<KeyInfo>, HsmError> {
        self.need_login()?;
        self.probe()?;
        self.restore_login()?;
        let token = self.token()?;
        let session = token.sessions.take(deadline)?;
        let told = tell(session.get()?, template);
        if let Err(error) = told {
            session.discard();
            return Err(self.blame(error));
        }
        told.map_err(|error| self.blame(error))
    }
}

fn tell(session: &Session, template: &[Attribute]) -> Result<Vec<KeyInfo>, Error> {
    session.find_objects(template)?.into_iter().map(|key| key_or_fragment_info(session, key)).collect()
}

/// Whether the token has any secret key.
pub(crate) fn has_keys(session: &Session) -> Result<bool, Error> {
    Ok(!session.find_objects(&[Attribute::Class(ObjectClass::SECRET_KEY)])?.is_empty())
}

fn of_id(id: &[u8]) -> [Attribute; 2] {
    [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Id(id.to_vec())]
}
