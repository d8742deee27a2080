/** How to reach one cluster as one user: a kubeconfig's context with every file read, or the in-cluster defaults. */
export interface KubeConfig {
  /** Where the configuration came from, for messages: a context's name or `in-cluster`. */
  name: string;
  /** Base URL of the API server, path prefix included. */
  server: string;
  /** PEM of the authorities that may sign the server's certificate; the system's where absent. */
  ca?: string;
  insecureSkipTlsVerify?: boolean;
  tlsServerName?: string;
  proxyUrl?: string;
  /** The context's namespace, `default` where it has none. */
  namespace: string;
  credentials: Credentials;
  impersonate?: Impersonation;
}

export interface Impersonation {
  user: string;
  groups?: string[];
}

export type Credentials =
  | { kind: 'none' }
  | { kind: 'token'; token: string }
  /** Read again as it is rotated: a ServiceAccount token lives for an hour. */
  | { kind: 'token-file'; path: string }
  /** Issued anew before it ends: the token of a cloud or of a ServiceAccount. */
  | { kind: 'issued'; issue(signal: AbortSignal): Promise<IssuedToken> }
  | { kind: 'basic'; username: string; password: string }
  | { kind: 'certificate'; cert: string; key: string }
  | { kind: 'exec'; exec: ExecPlugin };

export interface IssuedToken {
  token: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/** A credential plugin (client.authentication.k8s.io), such as `aws eks get-token`. */
export interface ExecPlugin {
  apiVersion: string;
  command: string;
  args: string[];
  /** The whole environment of the plugin's process. */
  env: Record<string, string>;
  installHint?: string;
  /** Given to the plugin in KUBERNETES_EXEC_INFO where `provideClusterInfo` asks for it. */
  cluster?: Record<string, unknown>;
}
