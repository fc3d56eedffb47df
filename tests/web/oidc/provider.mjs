// A real OpenID provider: `node provider.mjs '{"port", "client", "secret", "callback", "accounts": {LOGIN: CLAIMS}}'`. Any password will do.
import { Provider } from "oidc-provider";

const { port, client, secret, callback, accounts } = JSON.parse(process.argv[2]);
const provider = new Provider(`http://localhost:${port}`, {
  clients: [{ client_id: client, client_secret: secret, redirect_uris: [callback] }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  pkce: { required: () => true, methods: ["S256"] },
  findAccount: (_context, id) =>
    id in accounts ? { accountId: id, claims: async () => ({ sub: id, ...accounts[id] }) } : undefined,
});
provider.listen(port, "127.0.0.1", () => console.log("ready"));
