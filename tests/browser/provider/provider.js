// A company's identity provider: `node provider.js PORT REDIRECT_URI SECRET`. Whoever signs in by a name of PEOPLE is in its groups.
import Provider from "oidc-provider";

const PEOPLE = { li: ["cs-handlers"], zhao: ["cs-supervisors"], nobody: [] };
const [port, redirectUri, secret] = process.argv.slice(2);
const account = (id) => ({ sub: id, name: `${id} by the company`, email: `${id}@example.com`, groups: PEOPLE[id] ?? [] });

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: "redress", client_secret: secret, redirect_uris: [redirectUri] }],
  claims: { openid: ["sub"], profile: ["name", "groups"], email: ["email"] },
  // As most companies' providers do: what is asked for by scope stands in the ID token.
  conformIdTokenClaims: false,
  findAccount: (_, id) => ({ accountId: id, claims: () => account(id) }),
  features: { devInteractions: { enabled: true } },
  pkce: { required: () => true },
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
