import { because, type Report, type Rule } from '../rule.ts';

export const egressBlocked: Rule = {
  code: 'egress-blocked',
  cause: 'DNS or TCP from the cluster to the host fails: a NetworkPolicy, security group, proxy or missing route.',
  fix: 'Allow DNS and TCP 443 (22 for SSH) from the namespace to the host, or set the proxy in the Secret of spec.proxySecretRef.',
  commands: [
    'kubectl -n $SA_NS run egress-check --rm -it --image=curlimages/curl -- curl -sv --connect-timeout 5 telnet://$HOST:$PORT',
  ],
  says: [
    [/SSH could not read data|Error waiting on socket/i, 0.75],
    [
      /(ssh: handshake failed|auth error): (EOF|read tcp)|SSL_connect: Connection (was )?reset|gnutls_handshake\(\) failed/i,
      0.7,
    ],
    [
      /unable to (clone|list remote for|fetch-connect to remote) [\s\S]*(context deadline exceeded|Operation timed out)/i,
      0.8,
    ],
    [/\blookup \S+( on \S+)?:[\s\S]*?(i\/o timeout|no such host|server misbehaving|connection refused)/i, 0.85],
    [
      /dial tcp[\s\S]*?(i\/o timeout|connection refused|connection timed out|no route to host|network is unreachable)/i,
      0.82,
    ],
    [
      /ssh: connect to host \S+ port \d+: (Connection timed out|Connection refused|Network is unreachable|No route)/i,
      0.93,
    ],
    [/Could not resolve host|Failed to connect to \S+ port \d+|Temporary failure in name resolution/i, 0.9],
    [/Proxy Authentication Required|from proxy after CONNECT|proxyconnect tcp|Tunnel connection failed/i, 0.93],
    [/Client\.Timeout exceeded while awaiting headers|TLS handshake timeout/i, 0.6],
  ],
  weigh,
  examples: [
    { symptom: 'Get "https://github.com/": dial tcp: lookup github.com: i/o timeout', found: true },
    { symptom: 'Post "https://sts.eu-west-1.amazonaws.com/": dial tcp: i/o timeout', found: false },
  ],
};

/** What git hosts and proxies listen at, as far as it is usual; a database is nobody's git host. */
const outwardPorts = new Set(['22', '80', '443', '2222', '3000', '3128', '7990', '7999', '8080', '8443', '29418']);

/** Hosts whose silence has a code of its own. */
const others =
  /source-controller\.|\bsts[\w.-]*\.amazonaws|ecr|starport-layer|169\.254\.|fd00:ec2|failed calling webhook|eks-auth|notification-controller|\.svc\b|(readiness|liveness|startup) probe|https:\/\/[\d.]+(:\d+)?\/apis?\//i;

function weigh(confidence: number, { symptom }: Report) {
  const port = /dial tcp (?:[\d.]+|\[[\da-f:]+\]):(\d+)/i.exec(symptom)?.[1];
  const isOther = others.test(symptom) || (port !== undefined && !outwardPorts.has(port));
  return because(isOther ? 0 : confidence);
}
