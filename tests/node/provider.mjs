// An OpenID provider at Entra's addresses, on loopback: who types a name there has the account of that name.
//
// Started with one line of JSON on its input: {tenant, client, secret, key, certificate, returnTo, leftTo, accounts},
// where `key` and `certificate` are files, and `accounts` gives each name its object id. Answers with one line, the port.

import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { createInterface } from "node:readline";

import Koa from "koa";
import mount from "koa-mount";
import Provider, { interactionPolicy } from "oidc-provider";

const input = createInterface({ input: process.stdin });
const told = JSON.parse((await input[Symbol.asyncIterator]().next()).value);
process.stdin.resume().on("end", () => process.exit(0)); // nobody waits for it any more

const app = new Koa();
app.keys = [randomBytes(32).toString("hex")];
const server = createServer({ key: readFileSync(told.key), cert: readFileSync(told.certificate) });
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const { port } = server.address();

const signing = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });

// Asked to let people choose, it asks who they are, also where somebody is signed in already; else as it does by itself.
const { Check, Prompt, base } = interactionPolicy;
const policy = base();
const choice = new Prompt({ name: "select_account", requestable: true });
choice.checks.clear();
policy.add(choice);
policy.get("login").checks.add(
  new Check("choice", "People choose by which account", ({ oidc }) =>
    oidc.prompts.has("select_account") && !oidc.result?.login ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
  ),
);

const provider = new Provider(`https://127.0.0.1:${port}/${told.tenant}/v2.0`, {
  clients: [
    {
      client_id: told.client,
      client_secret: told.secret,
      token_endpoint_auth_method: "client_secret_post",
      redirect_uris: [told.returnTo],
      post_logout_redirect_uris: [told.leftTo],
    },
  ],
  jwks: { keys: [{ ...signing, kid: randomUUID(), use: "sig", alg: "RS256" }] },
  cookies: { keys: app.keys },
  interactions: { policy },
  pkce: { required: () => true },
  claims: { openid: ["sub", "tid", "oid"], profile: ["preferred_username"] },
  conformIdTokenClaims: false, // into the ID token, where Entra has them
  async findAccount(_, name) {
    const claims = { sub: name, tid: told.tenant, oid: told.accounts[name], preferred_username: `${name}@agency.example` };
    return claims.oid && { accountId: name, claims: async () => claims };
  },
  async loadExistingGrant({ oidc }) {
    // The registration was consented to by an administrator, as an agency's is: nobody is asked each time.
    const grant = new provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope("openid profile");
    await grant.save();
    return grant;
  },
});
app.use(mount(`/${told.tenant}/v2.0`, provider));
server.on("request", app.callback());
process.stdout.write(`${port}\n`);
