/** Proxies by the scheme of the target, as the usual environment variables give them. */
export interface ProxySettings {
  http?: string;
  https?: string;
  /** Hosts reached directly: comma separated, `.domain` and `*` allowed. */
  noProxy?: string;
}

/** HTTP_PROXY, HTTPS_PROXY and NO_PROXY in either case; undefined where no proxy is set. */
export function proxyFromEnv(env: Readonly<Record<string, string | undefined>>): ProxySettings | undefined {
  const http = env['http_proxy'] || env['HTTP_PROXY'];
  const https = env['https_proxy'] || env['HTTPS_PROXY'];
  if (!http && !https) return undefined;
  const noProxy = env['no_proxy'] || env['NO_PROXY'];
  return { ...(http ? { http } : {}), ...(https ? { https } : {}), ...(noProxy ? { noProxy } : {}) };
}
