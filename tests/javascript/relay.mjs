// Decrypts a message of the AWS Encryption SDK from standard input, and encrypts what was in it again to standard output.
// Arguments: the ARN of the key.

import { readFileSync, writeSync } from 'node:fs'
import { CommitmentPolicy, KmsKeyringNode, buildClient } from '@aws-crypto/client-node'

const { encrypt, decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
const keyring = new KmsKeyringNode({ generatorKeyId: process.argv[2] })
const { plaintext, messageHeader } = await decrypt(keyring, readFileSync(0))
const encryptionContext = Object.fromEntries(
  // The SDK's own entries are its own again in the next message.
  Object.entries(messageHeader.encryptionContext).filter(([name]) => !name.startsWith('aws-crypto-'))
)
const { result } = await encrypt(keyring, plaintext, { encryptionContext })
writeSync(1, result)
