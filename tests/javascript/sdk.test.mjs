// The AWS SDK for JavaScript does its part: keys, cryptography, pages, errors. The second opinion is that of Node's own crypto module.

import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { test } from 'node:test'
import {
  CreateAliasCommand,
  CreateGrantCommand,
  DecryptCommand,
  DeriveSharedSecretCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyPairCommand,
  GenerateMacCommand,
  GenerateRandomCommand,
  GetPublicKeyCommand,
  InvalidCiphertextException,
  KMSInvalidSignatureException,
  ListResourceTagsCommand,
  NotFoundException,
  ScheduleKeyDeletionCommand,
  SignCommand,
  TagResourceCommand,
  VerifyCommand,
  VerifyMacCommand,
  paginateListAliases,
  paginateListGrants,
  paginateListKeys
} from '@aws-sdk/client-kms'
import { client, createKey, refusal } from './keys.mjs'

const MESSAGE = Buffer.from('attack at dawn')
const CONTEXT = { department: 'finance', ünïcode: '漢字' }

async function publicKeyOf(key) {
  const { PublicKey } = await client.send(new GetPublicKeyCommand({ KeyId: key.Arn }))
  return crypto.createPublicKey({ key: Buffer.from(PublicKey), format: 'der', type: 'spki' })
}

/** All that the pages hold, and how many pages there were. */
async function collect(pages, name) {
  const found = { items: [], pages: 0 }
  for await (const page of pages) {
    found.items.push(...page[name])
    found.pages += 1
  }
  return found
}

test('a key from its creation to its deletion', async () => {
  const key = await createKey({ Description: 'from JavaScript', Tags: [{ TagKey: 'a', TagValue: '' }] })
  assert.equal(key.KeyState, 'Enabled')
  assert.ok(key.CreationDate instanceof Date)
  assert.ok(Math.abs(key.CreationDate - Date.now()) < 3600_000)
  const { KeyMetadata: described } = await client.send(new DescribeKeyCommand({ KeyId: key.KeyId }))
  assert.deepEqual(described, key)
  await client.send(new TagResourceCommand({ KeyId: key.KeyId, Tags: [{ TagKey: 'b', TagValue: 'ü' }] }))
  const { Tags } = await client.send(new ListResourceTagsCommand({ KeyId: key.KeyId }))
  assert.deepEqual(new Map(Tags.map(({ TagKey, TagValue }) => [TagKey, TagValue])), new Map([['a', ''], ['b', 'ü']]))
  const scheduled = await client.send(new ScheduleKeyDeletionCommand({ KeyId: key.KeyId, PendingWindowInDays: 7 }))
  assert.equal(scheduled.KeyState, 'PendingDeletion')
  assert.ok(scheduled.DeletionDate > new Date())
})

test('encrypt and decrypt', async () => {
  const key = await createKey()
  for (const plaintext of [Buffer.from('p'), crypto.randomBytes(4096)]) {
    const { CiphertextBlob } = await client.send(
      new EncryptCommand({ KeyId: key.Arn, Plaintext: plaintext, EncryptionContext: CONTEXT })
    )
    const opened = await client.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: CONTEXT }))
    assert.deepEqual(Buffer.from(opened.Plaintext), plaintext)
    assert.equal(opened.KeyId, key.Arn)
  }
})

test('data keys and random bytes', async () => {
  const key = await createKey()
  const made = await client.send(new GenerateDataKeyCommand({ KeyId: key.Arn, KeySpec: 'AES_256' }))
  assert.equal(made.Plaintext.length, 32)
  const opened = await client.send(new DecryptCommand({ CiphertextBlob: made.CiphertextBlob }))
  assert.deepEqual(opened.Plaintext, made.Plaintext)
  const { Plaintext } = await client.send(new GenerateRandomCommand({ NumberOfBytes: 1024 }))
  assert.equal(Plaintext.length, 1024)
})

const pss = (saltLength) => ({ padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength })
const SIGNATURES = [
  ['RSA_2048', 'RSASSA_PKCS1_V1_5_SHA_256', 'sha256', {}],
  ['RSA_2048', 'RSASSA_PSS_SHA_512', 'sha512', pss(64)],
  ['ECC_NIST_P256', 'ECDSA_SHA_256', 'sha256', {}],
  ['ECC_NIST_P384', 'ECDSA_SHA_384', 'sha384', {}],
  ['ECC_NIST_P521', 'ECDSA_SHA_512', 'sha512', {}],
  ['ECC_SECG_P256K1', 'ECDSA_SHA_256', 'sha256', {}],
  ['ECC_NIST_EDWARDS25519', 'ED25519_SHA_512', null, {}]
]

for (const [KeySpec, SigningAlgorithm, hash, options] of SIGNATURES) {
  test(`sign and verify with ${KeySpec} by ${SigningAlgorithm}`, async () => {
    const key = await createKey({ KeySpec, KeyUsage: 'SIGN_VERIFY' })
    assert.ok(key.SigningAlgorithms.includes(SigningAlgorithm))
    const parameters = { KeyId: key.Arn, Message: MESSAGE, SigningAlgorithm }
    const { Signature } = await client.send(new SignCommand(parameters))
    assert.ok(crypto.verify(hash, MESSAGE, { key: await publicKeyOf(key), ...options }, Signature))
    const { SignatureValid } = await client.send(new VerifyCommand({ ...parameters, Signature }))
    assert.equal(SignatureValid, true)
    Signature[Signature.length - 1] ^= 1
    const refused = await refusal(new VerifyCommand({ ...parameters, Signature }))
    assert.ok(refused instanceof KMSInvalidSignatureException)
  })
}

test('RSA encryption from outside', async () => {
  const key = await createKey({ KeySpec: 'RSA_3072', KeyUsage: 'ENCRYPT_DECRYPT' })
  const padding = { padding: crypto.constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
  const CiphertextBlob = crypto.publicEncrypt({ key: await publicKeyOf(key), ...padding }, MESSAGE)
  const parameters = { KeyId: key.Arn, CiphertextBlob, EncryptionAlgorithm: 'RSAES_OAEP_SHA_256' }
  const { Plaintext } = await client.send(new DecryptCommand(parameters))
  assert.deepEqual(Buffer.from(Plaintext), MESSAGE)
})

test('MACs', async () => {
  const key = await createKey({ KeySpec: 'HMAC_512', KeyUsage: 'GENERATE_VERIFY_MAC' })
  const parameters = { KeyId: key.Arn, Message: MESSAGE, MacAlgorithm: 'HMAC_SHA_512' }
  const { Mac } = await client.send(new GenerateMacCommand(parameters))
  assert.equal(Mac.length, 64)
  const { MacValid } = await client.send(new VerifyMacCommand({ ...parameters, Mac }))
  assert.equal(MacValid, true)
  Mac[0] ^= 1
  assert.equal((await refusal(new VerifyMacCommand({ ...parameters, Mac }))).name, 'KMSInvalidMacException')
})

test('key agreement', async () => {
  const key = await createKey({ KeySpec: 'ECC_NIST_P384', KeyUsage: 'KEY_AGREEMENT' })
  const ours = crypto.generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const derived = await client.send(
    new DeriveSharedSecretCommand({
      KeyId: key.Arn,
      KeyAgreementAlgorithm: 'ECDH',
      PublicKey: ours.publicKey.export({ format: 'der', type: 'spki' })
    })
  )
  const expected = crypto.diffieHellman({ privateKey: ours.privateKey, publicKey: await publicKeyOf(key) })
  assert.deepEqual(Buffer.from(derived.SharedSecret), expected)
})

test('a data key pair', async () => {
  const key = await createKey()
  const pair = await client.send(new GenerateDataKeyPairCommand({ KeyId: key.Arn, KeyPairSpec: 'ECC_NIST_P256' }))
  const privateKey = crypto.createPrivateKey({ key: Buffer.from(pair.PrivateKeyPlaintext), format: 'der', type: 'pkcs8' })
  const publicKey = crypto.createPublicKey({ key: Buffer.from(pair.PublicKey), format: 'der', type: 'spki' })
  assert.ok(crypto.createPublicKey(privateKey).equals(publicKey))
})

test('pages', async () => {
  const made = []
  for (let n = 0; n < 5; n += 1) {
    made.push((await createKey()).KeyId)
  }
  const keys = await collect(paginateListKeys({ client, pageSize: 2 }, {}), 'Keys')
  const listed = keys.items.map(({ KeyId }) => KeyId)
  assert.equal(new Set(listed).size, listed.length)
  assert.ok(made.every((id) => listed.includes(id)))
  assert.ok(keys.pages >= 3)

  const [first] = made
  const names = ['alias/js-a', 'alias/js-b', 'alias/js-c']
  for (const AliasName of names) {
    await client.send(new CreateAliasCommand({ AliasName, TargetKeyId: first }))
  }
  const aliases = await collect(paginateListAliases({ client, pageSize: 1 }, { KeyId: first }), 'Aliases')
  assert.deepEqual(aliases.items.map(({ AliasName }) => AliasName).sort(), names)

  const account = (await client.send(new DescribeKeyCommand({ KeyId: first }))).KeyMetadata.AWSAccountId
  const granted = []
  for (let n = 0; n < 3; n += 1) {
    const grant = { KeyId: first, GranteePrincipal: `arn:aws:iam::${account}:root`, Operations: ['Encrypt', 'Decrypt'] }
    granted.push((await client.send(new CreateGrantCommand(grant))).GrantId)
  }
  const grants = await collect(paginateListGrants({ client, pageSize: 1 }, { KeyId: first }), 'Grants')
  assert.deepEqual(grants.items.map(({ GrantId }) => GrantId).sort(), granted.sort())
})

test('errors by name and class', async () => {
  const missing = await refusal(new DescribeKeyCommand({ KeyId: 'alias/no-such-alias' }))
  assert.ok(missing instanceof NotFoundException)
  assert.equal(missing.name, 'NotFoundException')
  assert.equal(missing.$fault, 'client')
  assert.equal(missing.$metadata.httpStatusCode, 400)
  assert.match(missing.message, /^Alias arn:aws:kms:.*:alias\/no-such-alias is not found\.$/)

  const unreadable = await refusal(new DecryptCommand({ CiphertextBlob: Buffer.from('no ciphertext') }))
  assert.ok(unreadable instanceof InvalidCiphertextException)

  const invalid = await refusal(new GenerateRandomCommand({ NumberOfBytes: 0 }))
  assert.equal(invalid.name, 'ValidationException')
  assert.match(invalid.message, /'numberOfBytes'/)

  const key = await createKey()
  const tried = await refusal(new EncryptCommand({ KeyId: key.Arn, Plaintext: MESSAGE, DryRun: true }))
  assert.equal(tried.name, 'DryRunOperationException')
  await client.send(new DisableKeyCommand({ KeyId: key.Arn }))
  const disabled = await refusal(new EncryptCommand({ KeyId: key.Arn, Plaintext: MESSAGE }))
  assert.equal(disabled.name, 'DisabledException')
  assert.equal(disabled.message, `${key.Arn} is disabled.`)
})
