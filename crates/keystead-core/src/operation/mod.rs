//! The operations of the KMS API, one file each: validate, authorize, act.

mod asymmetric_cryptography;
mod cancel_key_deletion;
mod cloudhsm_key_store_settings;
mod connect_custom_key_store;
mod create_alias;
mod create_custom_key_store;
mod create_grant;
mod create_key;
mod cryptography;
mod custom_key_store_lookup;
mod custom_key_store_settings;
mod data_key_pair;
mod decrypt;
mod delete_alias;
mod delete_custom_key_store;
mod delete_imported_key_material;
mod derive_shared_secret;
mod describe_custom_key_stores;
mod describe_key;
mod disable_key;
mod disable_key_rotation;
mod disconnect_custom_key_store;
mod enable_key;
mod enable_key_rotation;
mod encrypt;
mod encryption;
mod existing_principals;
mod explain_access;
mod external_key_store_settings;
mod generate_data_key;
mod generate_data_key_pair;
mod generate_data_key_pair_without_plaintext;
mod generate_data_key_without_plaintext;
mod generate_mac;
mod generate_random;
mod get_key_last_usage;
mod get_key_policy;
mod get_key_rotation_status;
mod get_parameters_for_import;
mod get_public_key;
mod gone_principals;
mod grant_constraints;
mod grant_delegation;
mod grant_lookup;
mod grant_operations;
mod grant_principals;
mod grant_tokens;
mod import_key_material;
mod key_grants;
mod key_lookup;
mod key_material_wrapping;
mod key_metadata;
mod key_rotation;
mod key_usage;
mod list_aliases;
mod list_grants;
mod list_key_policies;
mod list_key_rotations;
mod list_keys;
mod list_resource_tags;
mod list_retirable_grants;
mod new_key;
mod new_key_home;
mod new_key_type;
mod other_region;
mod page;
mod policy;
mod put_key_policy;
mod re_encrypt;
mod recipient;
mod replicate_key;
mod retire_grant;
mod revoke_grant;
mod rotate_key_on_demand;
mod schedule_key_deletion;
mod sign;
mod signed_message;
mod tag_resource;
mod tags;
mod untag_resource;
mod update_alias;
mod update_custom_key_store;
mod update_key_description;
mod update_primary_region;
mod verify;
mod verify_mac;

use keystead_model::kms::Exception;
use keystead_model::operation::{SuccessBody, success_body};
use keystead_model::shape::Operation;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::error::KmsError;
use crate::kms::{Call, Kms, Output};
pub use existing_principals::PrincipalError;
pub use explain_access::AccessQuestion;
pub use gone_principals::GonePrincipals;
pub(crate) use grant_tokens::GrantReference;

/// Serves a validated request by the operation's name.
pub(crate) async fn dispatch(kms: &Kms, call: &mut Call<'_>) -> Result<Output, KmsError> {
    // An answer is little longer than its request, but for lists, which hold no secret.
    let room = ANSWER_BYTES + 2 * call.body_length;
    let (operation, input) = (call.operation, call.input);
    call.grant_tokens = grant_tokens::opened_grant_tokens(kms, input)?;
    match operation.name {
        "CancelKeyDeletion" => record(cancel_key_deletion::cancel_key_deletion(kms, call, read(input)?).await?),
        "ConnectCustomKeyStore" => {
            done(operation, connect_custom_key_store::connect_custom_key_store(kms, call, read(input)?).await)
        }
        "CreateAlias" => done(operation, create_alias::create_alias(kms, call, read(input)?).await),
        "CreateCustomKeyStore" => {
            record(create_custom_key_store::create_custom_key_store(kms, call, read(input)?).await?)
        }
        "CreateGrant" => {
            let (response, key_id) = create_grant::create_grant(kms, call, read(input)?).await?;
            let recorded = json!({ "GrantId": response.grant_id, "KeyId": key_id });
            record_as(response, recorded)
        }
        "CreateKey" => record(create_key::create_key(kms, call, read(input)?).await?),
        "Decrypt" => body(room, &decrypt::decrypt(kms, call, read(input)?).await?),
        "DeleteAlias" => done(operation, delete_alias::delete_alias(kms, call, read(input)?).await),
        "DeleteCustomKeyStore" => {
            done(operation, delete_custom_key_store::delete_custom_key_store(kms, call, read(input)?).await)
        }
        "DeleteImportedKeyMaterial" => {
            record(delete_imported_key_material::delete_imported_key_material(kms, call, read(input)?).await?)
        }
        "DeriveSharedSecret" => body(room, &derive_shared_secret::derive_shared_secret(kms, call, read(input)?).await?),
        "DescribeCustomKeyStores" => {
            body(room, &describe_custom_key_stores::describe_custom_key_stores(kms, call, read(input)?).await?)
        }
        "DescribeKey" => body(room, &describe_key::describe_key(kms, call, read(input)?).await?),
        "DisableKey" => done(operation, disable_key::disable_key(kms, call, read(input)?).await),
        "DisableKeyRotation" => {
            done(operation, disable_key_rotation::disable_key_rotation(kms, call, read(input)?).await)
        }
        "DisconnectCustomKeyStore" => {
            done(operation, disconnect_custom_key_store::disconnect_custom_key_store(kms, call, read(input)?).await)
        }
        "EnableKey" => done(operation, enable_key::enable_key(kms, call, read(input)?).await),
        "EnableKeyRotation" => done(operation, enable_key_rotation::enable_key_rotation(kms, call, read(input)?).await),
        "Encrypt" => body(room, &encrypt::encrypt(kms, call, read(input)?).await?),
        "GenerateDataKey" => body(room, &generate_data_key::generate_data_key(kms, call, read(input)?).await?),
        "GenerateDataKeyWithoutPlaintext" => body(
            room,
            &generate_data_key_without_plaintext::generate_data_key_without_plaintext(kms, call, read(input)?).await?,
        ),
        "GenerateDataKeyPair" => body(
            room + DATA_KEY_PAIR_BYTES,
            &generate_data_key_pair::generate_data_key_pair(kms, call, read(input)?).await?,
        ),
        "GenerateDataKeyPairWithoutPlaintext" => {
            let response = generate_data_key_pair_without_plaintext::generate_data_key_pair_without_plaintext;
            body(room + DATA_KEY_PAIR_BYTES, &response(kms, call, read(input)?).await?)
        }
        "GenerateMac" => body(room, &generate_mac::generate_mac(kms, call, read(input)?).await?),
        "GenerateRandom" => body(room, &generate_random::generate_random(kms, call, read(input)?).await?),
        "GetKeyLastUsage" => body(room, &get_key_last_usage::get_key_last_usage(kms, call, read(input)?).await?),
        "GetKeyPolicy" => body(room, &get_key_policy::get_key_policy(kms, call, read(input)?).await?),
        "GetKeyRotationStatus" => {
            body(room, &get_key_rotation_status::get_key_rotation_status(kms, call, read(input)?).await?)
        }
        "GetParametersForImport" => {
            body(room, &get_parameters_for_import::get_parameters_for_import(kms, call, read(input)?).await?)
        }
        "ImportKeyMaterial" => record(import_key_material::import_key_material(kms, call, read(input)?).await?),
        "GetPublicKey" => body(room, &get_public_key::get_public_key(kms, call, read(input)?).await?),
        "ListAliases" => body(room, &list_aliases::list_aliases(kms, call, read(input)?).await?),
        "ListKeyPolicies" => body(room, &list_key_policies::list_key_policies(kms, call, read(input)?).await?),
        "ListKeyRotations" => body(room, &list_key_rotations::list_key_rotations(kms, call, read(input)?).await?),
        "ListGrants" => body(room, &list_grants::list_grants(kms, call, read(input)?).await?),
        "ListKeys" => body(room, &list_keys::list_keys(kms, call, read(input)?).await?),
        "ListResourceTags" => body(room, &list_resource_tags::list_resource_tags(kms, call, read(input)?).await?),
        "ListRetirableGrants" => {
            body(room, &list_retirable_grants::list_retirable_grants(kms, call, read(input)?).await?)
        }
        "PutKeyPolicy" => done(operation, put_key_policy::put_key_policy(kms, call, read(input)?).await),
        "ReEncrypt" => body(room, &re_encrypt::re_encrypt(kms, call, read(input)?).await?),
        "ReplicateKey" => record(replicate_key::replicate_key(kms, call, read(input)?).await?),
        "RotateKeyOnDemand" => record(rotate_key_on_demand::rotate_key_on_demand(kms, call, read(input)?).await?),
        "RetireGrant" => done(operation, retire_grant::retire_grant(kms, call, read(input)?).await),
        "RevokeGrant" => done(operation, revoke_grant::revoke_grant(kms, call, read(input)?).await),
        "ScheduleKeyDeletion" => record(schedule_key_deletion::schedule_key_deletion(kms, call, read(input)?).await?),
        "Sign" => body(room, &sign::sign(kms, call, read(input)?).await?),
        "TagResource" => done(operation, tag_resource::tag_resource(kms, call, read(input)?).await),
        "UntagResource" => done(operation, untag_resource::untag_resource(kms, call, read(input)?).await),
        "UpdateAlias" => done(operation, update_alias::update_alias(kms, call, read(input)?).await),
        "UpdateCustomKeyStore" => {
            done(operation, update_custom_key_store::update_custom_key_store(kms, call, read(input)?).await)
        }
        "UpdateKeyDescription" => {
            done(operation, update_key_description::update_key_description(kms, call, read(input)?).await)
        }
        "UpdatePrimaryRegion" => {
            done(operation, update_primary_region::update_primary_region(kms, call, read(input)?).await)
        }
        "Verify" => body(room, &verify::verify(kms, call, read(input)?).await?),
        "VerifyMac" => body(room, &verify_mac::verify_mac(kms, call, read(input)?).await?),
        name => Err(KmsError::internal(&format!("{name} has no line here"))),
    }
}

/// The typed request. Validation has let the value through, so a failure here is a type that the shape does not tell.
fn read<T: DeserializeOwned>(input: &Value) -> Result<T, KmsError> {
    T::deserialize(input).map_err(|error| KmsError::new(Exception::Serialization, error.to_string()))
}

/// The answer of an operation that gives nothing back: the model tells whether that is no body or `{}`.
fn done(operation: &Operation, result: Result<(), KmsError>) -> Result<Output, KmsError> {
    result.map(|()| match success_body(operation) {
        SuccessBody::Empty => Output::Nothing,
        SuccessBody::EmptyObject | SuccessBody::Object => Output::EmptyStructure,
    })
}

/// More than an RSA_4096 data key pair needs besides: its private key in both forms, and its public key.
const DATA_KEY_PAIR_BYTES: usize = 8192;

/// More than a data key of 1024 bytes needs in both forms, with names and ARN.
const ANSWER_BYTES: usize = 4096;

/// An answer that the audit record does not repeat: reads, and whatever may hold plaintext.
fn body(room: usize, response: &impl Serialize) -> Result<Output, KmsError> {
    // Sized at once: a buffer that grows would leave copies of a plaintext behind. Not larger than needed: all of it is zeroed in the end.
    let mut text = Zeroizing::new(Vec::with_capacity(room));
    serde_json::to_writer(&mut *text, response).map_err(|error| KmsError::internal(&error))?;
    Ok(Output::Body { text, recorded: None })
}

/// An answer that the audit record repeats: mutations.
fn record(response: impl Serialize) -> Result<Output, KmsError> {
    let value = serde_json::to_value(response).map_err(|error| KmsError::internal(&error))?;
    Ok(Output::Body { text: Zeroizing::new(value.to_string().into_bytes()), recorded: Some(value) })
}

/// An answer in whose place the audit record has something else.
fn record_as(response: impl Serialize, recorded: Value) -> Result<Output, KmsError> {
    let text = serde_json::to_vec(&response).map_err(|error| KmsError::internal(&error))?;
    Ok(Output::Body { text: Zeroizing::new(text), recorded: Some(recorded) })
}
