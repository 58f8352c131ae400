// Round trips with the AWS Encryption SDK for JavaScript.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CommitmentPolicy,
  KmsKeyringNode,
  NodeCachingMaterialsManager,
  buildAwsKmsMrkAwareStrictMultiKeyringNode,
  buildClient,
  getLocalCryptographicMaterialsCache
} from '@aws-crypto/client-node'
import { DescribeKeyCommand, DisableKeyCommand, KMSClient, ReplicateKeyCommand } from '@aws-sdk/client-kms'
import { client, createKey } from './keys.mjs'

const { encrypt, decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
const PLAINTEXT = Buffer.from('the quick brown fox '.repeat(1000))
const CONTEXT = { department: 'finance', purpose: 'test', ünïcode: '漢字' }

async function encrypted(keyring, plaintext = PLAINTEXT) {
  return (await encrypt(keyring, plaintext, { encryptionContext: CONTEXT })).result
}

async function assertDecrypts(keyring, message, plaintext = PLAINTEXT) {
  const opened = await decrypt(keyring, message)
  assert.deepEqual(opened.plaintext, plaintext)
  for (const [name, value] of Object.entries(CONTEXT)) {
    assert.equal(opened.messageHeader.encryptionContext[name], value)
  }
}

test('a round trip', async () => {
  const { Arn } = await createKey()
  const keyring = new KmsKeyringNode({ generatorKeyId: Arn })
  for (const plaintext of [Buffer.alloc(0), Buffer.from('p'), PLAINTEXT]) {
    await assertDecrypts(keyring, await encrypted(keyring, plaintext), plaintext)
  }
})

test('any of several keys decrypts', async () => {
  const [first, second] = [await createKey(), await createKey()]
  const both = new KmsKeyringNode({ generatorKeyId: first.Arn, keyIds: [second.Arn] })
  const message = await encrypted(both)
  await assertDecrypts(new KmsKeyringNode({ keyIds: [first.Arn] }), message)
  await assertDecrypts(new KmsKeyringNode({ keyIds: [second.Arn] }), message)
  await client.send(new DisableKeyCommand({ KeyId: first.Arn }))
  await assertDecrypts(both, message)
})

test('discovery', async () => {
  const { Arn, AWSAccountId } = await createKey()
  const message = await encrypted(new KmsKeyringNode({ generatorKeyId: Arn }))
  const ours = { accountIDs: [AWSAccountId], partition: 'aws' }
  await assertDecrypts(new KmsKeyringNode({ discovery: true, discoveryFilter: ours }), message)
  const foreign = { accountIDs: ['999999999999'], partition: 'aws' }
  await assert.rejects(decrypt(new KmsKeyringNode({ discovery: true, discoveryFilter: foreign }), message))
})

test('a context that was altered', async () => {
  const { Arn } = await createKey()
  const keyring = new KmsKeyringNode({ generatorKeyId: Arn })
  const message = await encrypted(keyring)
  const position = message.indexOf('finance')
  assert.ok(position > 0)
  message[position] ^= 1
  await assert.rejects(decrypt(keyring, message), /InvalidCiphertextException/)
})

test('the caching materials manager', async () => {
  const { Arn } = await createKey()
  const manager = new NodeCachingMaterialsManager({
    backingMaterials: new KmsKeyringNode({ generatorKeyId: Arn }),
    cache: getLocalCryptographicMaterialsCache(100),
    maxAge: 3600_000,
    maxMessagesEncrypted: 10
  })
  const options = { encryptionContext: CONTEXT, plaintextLength: PLAINTEXT.length }
  const first = (await encrypt(manager, PLAINTEXT, options)).result
  // What was cached needs no KMS any more.
  await client.send(new DisableKeyCommand({ KeyId: Arn }))
  const second = (await encrypt(manager, PLAINTEXT, options)).result
  assert.notDeepEqual(first, second)
  await assert.rejects(encrypt(new KmsKeyringNode({ generatorKeyId: Arn }), PLAINTEXT, options))
})

test('related multi-Region keys', async () => {
  const ReplicaRegion = process.env.REPLICA_REGION
  const primary = await createKey({ MultiRegion: true })
  const { ReplicaKeyMetadata: replica } = await client.send(
    new ReplicateKeyCommand({ KeyId: primary.Arn, ReplicaRegion })
  )
  const there = new KMSClient({ region: ReplicaRegion })
  const state = async () => (await there.send(new DescribeKeyCommand({ KeyId: replica.KeyId }))).KeyMetadata.KeyState
  const giveUp = Date.now() + 30_000
  while ((await state()) !== 'Enabled') {
    assert.ok(Date.now() < giveUp, 'the replica was not enabled')
  }
  const here = buildAwsKmsMrkAwareStrictMultiKeyringNode({ generatorKeyId: primary.Arn })
  const elsewhere = buildAwsKmsMrkAwareStrictMultiKeyringNode({ generatorKeyId: replica.Arn })
  await assertDecrypts(elsewhere, await encrypted(here))
  await assertDecrypts(here, await encrypted(elsewhere))
})
