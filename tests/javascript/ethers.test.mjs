// A signer of Ethereum transactions whose key is in KMS: SECG P-256K1, DIGEST messages, DER signatures.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AwsKmsSigner } from '@nexusmutual/ethers-v6-aws-kms-signer'
import { Transaction, parseEther, verifyMessage, verifyTypedData } from 'ethers'
import { createKey } from './keys.mjs'

async function newSigner() {
  const { Arn } = await createKey({ KeySpec: 'ECC_SECG_P256K1', KeyUsage: 'SIGN_VERIFY' })
  return new AwsKmsSigner({
    kmsKeyId: Arn,
    region: process.env.AWS_REGION,
    accessKeyId: process.env.AWS_ACCESS_KEY_ID,
    secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY
  })
}

test('messages', async () => {
  const signer = await newSigner()
  const address = await signer.getAddress()
  // Half of all signatures have an s beyond half the order of the curve, which the signer turns round.
  for (let n = 0; n < 20; n += 1) {
    const message = `message ${n}`
    assert.equal(verifyMessage(message, await signer.signMessage(message)), address)
  }
})

test('typed data', async () => {
  const signer = await newSigner()
  const domain = { name: 'Keystead', version: '1', chainId: 1 }
  const types = { Payment: [{ name: 'to', type: 'address' }, { name: 'amount', type: 'uint256' }] }
  const value = { to: await signer.getAddress(), amount: 12n }
  const signature = await signer.signTypedData(domain, types, value)
  assert.equal(verifyTypedData(domain, types, value, signature), await signer.getAddress())
})

test('a transaction', async () => {
  const signer = await newSigner()
  const serialized = await signer.signTransaction({
    to: await signer.getAddress(),
    value: parseEther('1.5'),
    nonce: 7,
    gasLimit: 21000n,
    maxFeePerGas: 30n,
    maxPriorityFeePerGas: 2n,
    chainId: 1,
    type: 2
  })
  const transaction = Transaction.from(serialized)
  assert.ok(transaction.isSigned())
  assert.equal(transaction.from, await signer.getAddress())
  assert.equal(transaction.nonce, 7)
})
