import type { PracticeFault } from './fault.ts';
import { addToApp } from './places.ts';

export const sopsDecryptionFailed: PracticeFault = {
  code: 'sops-decryption-failed',
  broken: 'A Secret of the application is encrypted by SOPS, and the Kustomization has no spec.decryption.',
  files: (files) => addToApp(files, 'secret.yaml', encryptedSecret),
};

const encryptedSecret = `apiVersion: v1
kind: Secret
metadata:
  name: mainapp
stringData:
  password: ENC[AES256_GCM,data:8mFqUOk=,iv:T5C2rFrWkYcgG5IQIeRzlYE3PbnCfL2Ar4LDUaLVYCo=,tag:0SgVFMZKJyXTGnNSDz9tBQ==,type:str]
sops:
  age:
    - recipient: age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p
      enc: |
        -----BEGIN AGE ENCRYPTED FILE-----
        YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBhYmNkZWZnaGlqa2xtbm9w
        -----END AGE ENCRYPTED FILE-----
  lastmodified: "2026-09-01T08:00:00Z"
  mac: ENC[AES256_GCM,data:bGFzdA==,iv:T5C2rFrWkYcgG5IQIeRzlYE3PbnCfL2Ar4LDUaLVYCo=,tag:0SgVFMZKJyXTGnNSDz9tBQ==,type:str]
  encrypted_regex: ^(data|stringData)$
  version: 3.9.4
`;
