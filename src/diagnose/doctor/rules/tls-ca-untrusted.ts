import { because, type Report, type Rule } from '../rule.ts';

export const tlsCaUntrusted: Rule = {
  code: 'tls-ca-untrusted',
  cause: "The client does not trust the authority that signed the server's certificate.",
  fix: 'Put the authority into ca.crt of the Secret that the object names (a proxy that opens TLS has one too).',
  commands: ['openssl s_client -connect $HOST:$PORT -showcerts'],
  says: [
    [/certificate relies on legacy Common Name/i, 0.85],
    [/server certificate verification failed|certificate is valid for \S+?, not /i, 0.88],
    [/certificate signed by unknown authority/i, 0.96],
    [/self[- ]signed certificate|unable to get (local )?issuer certificate|UNABLE_TO_VERIFY_LEAF_SIGNATURE/i, 0.94],
    [
      /SSL certificate problem|CERTIFICATE_VERIFY_FAILED|PKIX path building failed|unable to find valid certification path/i,
      0.9,
    ],
    [/doesn't contain any IP SANs|cannot validate certificate for/i, 0.88],
    [/certificate (has expired|is not trusted)/i, 0.75],
  ],
  weigh,
  shows: (facts) => (facts['egress_tls_interception'] === true ? 'something on the way out opens TLS' : undefined),
  examples: [
    { symptom: 'Get "https://gitlab.lan/": x509: certificate signed by unknown authority', found: true },
    {
      symptom: 'failed calling webhook "x": Post "https://x.svc:443/": x509: certificate signed by unknown authority',
      found: false,
    },
  ],
};

function weigh(confidence: number, { symptom }: Report) {
  return because(/failed calling webhook/i.test(symptom) ? 0.6 : confidence);
}
