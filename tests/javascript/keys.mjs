// What every file here begins with: a client that the environment leads to the server, and keys of its own.

import assert from 'node:assert/strict'
import { KMSClient, CreateKeyCommand } from '@aws-sdk/client-kms'

// The SDK's defaults, so that whatever a server answers runs into the SDK's own retries and parsers.
export const client = new KMSClient({})

/** A new key's metadata. */
export async function createKey(parameters = {}) {
  const { KeyMetadata } = await client.send(new CreateKeyCommand(parameters))
  return KeyMetadata
}

/** Sends a command that must fail and returns the error. */
export async function refusal(command) {
  const failure = await client.send(command).then(
    () => assert.fail(`${command.constructor.name} succeeded`),
    (error) => error
  )
  assert.ok(failure.$metadata?.requestId, `no answer of the server: ${failure.stack}`)
  return failure
}
