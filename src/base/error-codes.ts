/**
 * Every code that an error of ours can carry, with what it means and what to do. docs/errors.md is generated from this
 * table (`npm run docs`), and a test holds the two together. A code that is no longer used is never given a new meaning.
 */
export const errorCodes = {
  ADDRESS_IN_USE: {
    meaning: 'An address to serve on is taken by another program, or may not be listened on.',
    fix: 'Give another address or port, or end the program that has it.',
  },
  APPLY_DELETE_FAILED: {
    meaning: 'An object that must be made anew, because a field of it may not change, could not be deleted.',
    fix: 'The message has the answer of the server; look for finalizers of the object and for rights to delete it.',
  },
  APPLY_FAILED: {
    meaning: 'Objects were refused by the API server, or did not become ready in time for the next stage.',
    fix: 'The message names each object with the answer of the server.',
  },
  ARCHIVE_INVALID: {
    meaning: 'An archive is damaged, or holds names that would leave its folder.',
    fix: 'Pack and push it again. If it was made by somebody else, do not trust it.',
  },
  ARCHIVE_TOO_LARGE: {
    meaning: 'An archive, or the content for one, is larger than is accepted.',
    fix: 'Leave out what is not needed (.sourceignore, spec.ignore, spec.sparseCheckout), or raise the limit.',
  },
  ARTIFACT_FETCH_FAILED: {
    meaning: 'The artifact of a source could not be fetched, or its bytes are not those of its digest.',
    fix: 'Check that the source controller runs and can be reached; the artifact is fetched again.',
  },
  ARTIFACT_NOT_FOUND: {
    meaning: 'The server of artifacts no longer has the one that a source names.',
    fix: 'Nothing: a newer one is awaited. If it lasts, see whether the source controller runs and keeps its storage.',
  },
  AWS_IDENTITY_INVALID: {
    meaning: 'A web identity is malformed: the role annotation, the token or its file.',
    fix: 'Correct the annotation eks.amazonaws.com/role-arn, or let the pod be created anew so that the token is mounted.',
  },
  AWS_NO_CREDENTIALS: {
    meaning: 'No source gave AWS credentials.',
    fix: 'The message says what each source lacks; annotate the ServiceAccount with its role, or allow another source.',
  },
  AWS_REFUSED: {
    meaning: 'AWS answered a request with an error.',
    fix: 'The message has the error code and text of AWS; the hint names the usual cause.',
  },
  AWS_UNREACHABLE: {
    meaning: 'AWS, or the Pod Identity agent, could not be reached.',
    fix: 'Check name resolution, egress rules, the proxy and VPC endpoints.',
  },
  BAD_INPUT: {
    meaning: 'A value given by the user (an argument, a file, a field) is not of the expected form.',
    fix: 'The message names the value and the form that is expected.',
  },
  BUCKET_CHANGED: {
    meaning: 'An object of a bucket changed while the bucket was read.',
    fix: 'Nothing: the bucket is read again.',
  },
  BUCKET_KEY_FORBIDDEN: {
    meaning: 'A bucket holds an object whose key would leave the folder of the artifact.',
    fix: 'Rename the object, or leave it out with spec.ignore or spec.prefix.',
  },
  BUCKET_NOT_FOUND: {
    meaning: 'The bucket of a Bucket object does not exist.',
    fix: 'Check spec.bucketName, spec.endpoint and spec.region.',
  },
  BUCKET_REFUSED: {
    meaning: 'An object store refused a request.',
    fix: 'The message has its answer; check the credentials, and that they may s3:ListBucket and s3:GetObject.',
  },
  CEL_EVALUATION_FAILED: {
    meaning: 'A CEL expression could not be evaluated for an object, usually because a field is absent.',
    fix: 'Guard the access with has(…) or an optional field (.?field).',
  },
  CEL_INVALID: {
    meaning: 'A CEL expression cannot be parsed, uses an unknown variable, or can never be true or false.',
    fix: 'The message names the field and the place in the expression.',
  },
  CONFIGURATION_INVALID: {
    meaning:
      'A millrace.yaml has a field that is wrong, unknown or missing, or describes something that could not work.',
    fix: 'The message names every field at fault; docs/provisioning.md explains them.',
  },
  CONTROLLERS_ENDED: {
    meaning: 'The controllers that a sandbox runs beside itself have ended unasked.',
    fix: 'The log that the hint names ends with the reason.',
  },
  DATA_FOLDER_IN_USE: {
    meaning: 'Another process keeps its state in the data folder.',
    fix: 'Stop that one, or name another folder with --data.',
  },
  DATA_FOLDER_UNUSABLE: {
    meaning: 'The data folder cannot be created or written.',
    fix: 'Name a folder that you may write to with --data.',
  },
  DEADLINE_EXCEEDED: {
    meaning: 'An operation took longer than it was allowed to.',
    fix: 'Check that the service named in the message is reachable; raise the timeout if it is only slow.',
  },
  DELIVERY_STOPPED: {
    meaning: 'An image did not arrive: a hop on its way was not done in time.',
    fix: 'The message names the hop and what the object in charge of it says.',
  },
  ECR_HOST_INVALID: {
    meaning: 'A registry is asked to be an ECR registry, and its host name is none.',
    fix: 'Write ACCOUNT.dkr.ecr.REGION.amazonaws.com, or leave out `provider: aws`.',
  },
  FLUX_IS_ALIVE: {
    meaning: "Flux runs the controller in this cluster that was to be started; two of a kind undo each other's work.",
    fix: 'Scale the Deployment of Flux to zero, leave the controller out with --controllers, or start with --take-over.',
  },
  GITHUB_APP_INVALID: {
    meaning: 'The Secret of a GitHub App does not make sense, or GitHub gave no token for it.',
    fix: 'Give githubAppID, githubAppPrivateKey and one of githubAppInstallationOwner and githubAppInstallationID.',
  },
  GIT_AUTH_DENIED: {
    meaning: 'A git server refused the credential, or wants one and none was given.',
    fix: 'Check user name, token or key in the Secret, and that they may read (for a push: write) the repository.',
  },
  GIT_FAILED: {
    meaning: 'A git command failed for a reason that has no code of its own.',
    fix: 'The message holds what git said.',
  },
  GIT_HASH_DIFFERS: {
    meaning: 'A repository names its objects by another hash than the copy it is fetched into.',
    fix: 'Nothing: the copy is made anew for that hash. If it stays, remove the copy below the storage folder.',
  },
  GIT_HOST_KEY_REJECTED: {
    meaning: "An SSH server's host key is not the one in known_hosts, or is not in it at all.",
    fix: "Compare the server's key out of band, then put it into known_hosts of the Secret (ssh-keyscan HOST).",
  },
  GIT_HOST_CREDENTIAL: {
    meaning: 'A pull request is wanted, and there is no token for the API of the git host.',
    fix: 'Name a Secret with the key token in the annotation image.millrace.dev/git-host-secret on the ImageUpdateAutomation.',
  },
  GIT_HOST_UNKNOWN: {
    meaning: 'A pull request is wanted, and it is not known whether the git server is GitHub, GitLab or Bitbucket.',
    fix: 'Set the annotation image.millrace.dev/git-host on the ImageUpdateAutomation.',
  },
  GIT_KEY_INVALID: {
    meaning: 'A signing key cannot be read, or its passphrase is wrong or missing.',
    fix: 'Give an armored OpenPGP private key or an OpenSSH private key, and its passphrase where it has one.',
  },
  GIT_MISSING: {
    meaning: 'The git program was not found, or is too old.',
    fix: 'Install git 2.34 or newer and have it in PATH.',
  },
  GIT_NOT_INSTALLED: {
    meaning: 'The git binary (or ssh, ssh-keygen) was not found.',
    fix: 'Install git 2.34 or newer, for SSH remotes also an OpenSSH client, and put them on the PATH.',
  },
  GIT_OBJECT_UNREADABLE: {
    meaning: 'What is kept of a git repository on this machine is damaged.',
    fix: 'It is thrown away and fetched anew by itself; if that repeats, check the disk.',
  },
  GIT_OUTPUT_LIMIT: {
    meaning: 'A git command printed more than is accepted.',
    fix: 'The repository has an unreasonable number of refs; narrow spec.ref to a branch or tag.',
  },
  GIT_PROTOCOL_ERROR: {
    meaning: 'A git server broke off, or what it sent is not the git protocol.',
    fix: 'Usually passes by itself; otherwise check the server and any proxy in between.',
  },
  GIT_PUSH_MOVED: {
    meaning: 'A push was rejected because the branch had moved meanwhile.',
    fix: 'The change is made again on the new head by itself; if it keeps happening, look for another writer.',
  },
  GIT_PUSH_REFUSED: {
    meaning: 'A git server does not accept a push: a protected branch, a hook, missing permission.',
    fix: 'Let the credential push to the branch, or set spec.git.push.branch to one that it may push to.',
  },
  GIT_RANGE_INVALID: {
    meaning: 'The version range of spec.ref.semver cannot be read.',
    fix: 'Write a range such as >=1.0.0 <2.0.0, ~1.2 or 1.x.',
  },
  GIT_RATE_LIMITED: {
    meaning: 'A git server asks to be called less often (429).',
    fix: 'Use longer intervals, a credential (limits are higher with one), or webhooks.',
  },
  GIT_REDIRECTED: {
    meaning: 'A git server redirects, and credentials are not sent to where it points.',
    fix: 'Write the final address into spec.url.',
  },
  GIT_REF_NOT_FOUND: {
    meaning: 'The branch, tag, ref or commit does not exist in the repository.',
    fix: 'Check spec.ref.',
  },
  GIT_REPOSITORY_EMPTY: {
    meaning: 'A git repository has no commit yet.',
    fix: 'Push a first commit.',
  },
  GIT_REPOSITORY_NOT_FOUND: {
    meaning: 'The git server knows no such repository, or does not show it to this credential.',
    fix: 'Check spec.url, and what the credential may see.',
  },
  GIT_SERVER_ERROR: {
    meaning: 'A git server reported a fault of its own.',
    fix: 'The message holds what the server said.',
  },
  GIT_SIGNATURE_INVALID: {
    meaning: 'A commit or tag is not signed, or not by a key that is trusted.',
    fix: 'Check who signed, and the public keys in the Secret that spec.verify.secretRef names.',
  },
  GIT_SIZE_LIMIT: {
    meaning: 'A repository sends more data than is accepted.',
    fix: 'Raise the limit, or make the repository smaller.',
  },
  GIT_SUBMODULE_INVALID: {
    meaning: 'A submodule cannot be fetched as .gitmodules describes it.',
    fix: 'Check .gitmodules; leave spec.recurseSubmodules out where submodules are not needed.',
  },
  GIT_TLS_FAILED: {
    meaning: 'The TLS connection to a git server failed: unknown authority, expired or foreign certificate.',
    fix: 'Check the certificate and its dates; put a private authority into ca.crt of the Secret.',
  },
  GIT_UNREACHABLE: {
    meaning: 'A git server could not be reached.',
    fix: 'Check host name, network, firewall and proxy.',
  },
  GIT_URL_INVALID: {
    meaning: 'A repository URL is not of the accepted form.',
    fix: 'Write https://host/path, http://host/path or ssh://git@host/path.',
  },
  HTTP_STATUS: {
    meaning: 'A service answered a request with an error status.',
    fix: 'The message gives the service, the request and the answer.',
  },
  HTTP_TOO_LARGE: {
    meaning: 'An answer is larger than anything that could be meant, and was not read to its end.',
    fix: 'Check that the address leads to the service that the message names.',
  },
  HTTP_UNREACHABLE: {
    meaning: 'A service could not be reached: name resolution, connection or TLS failed.',
    fix: 'Check the address, the network, a proxy, and the certificate authority.',
  },
  IAM_POLICY_MALFORMED: {
    meaning: 'An IAM policy document is not one that IAM would accept.',
    fix: 'The message is the one IAM gives; correct the element it names.',
  },
  IMAGE_NO_TAG: {
    meaning: 'No tag of an image qualifies under a policy.',
    fix: 'Run `millrace policy test -f POLICY.yaml` to see which rule rejected each tag.',
  },
  IMAGE_POLICY_INVALID: {
    meaning: 'A tag policy, its version range or its regular expression is wrong.',
    fix: 'The message names the part; ranges follow Masterminds/semver, patterns are RE2.',
  },
  IMAGE_PUSH_FAILED: {
    meaning: 'The registry refused an image that was pushed.',
    fix: "The message has the registry's answer: the repository must exist, and the login needs ECR's push actions on it.",
  },
  IMAGE_RECONCILE_FAILED: {
    meaning: 'A run of an ImageRepository, ImagePolicy or ImageUpdateAutomation failed and is tried again.',
    fix: 'The message is the one of the Ready condition of the object.',
  },
  INSTALL_FAILED: {
    meaning: 'What a FluxInstance asks for could not be applied, or did not become healthy.',
    fix: 'The message names the objects; it is tried again with growing delays.',
  },
  INSTALL_UNHEALTHY: {
    meaning: 'Objects of an installation did not become healthy in time.',
    fix: 'Look at the pods of the Deployments that the message names; give more time with fluxcd.controlplane.io/reconcileTimeout.',
  },
  INSTANCE_INVALID: {
    meaning: 'A FluxInstance asks for what cannot be installed: no component, or a version that is not served.',
    fix: 'Correct spec.components or spec.distribution.version as the message says.',
  },
  KUBECONFIG_INVALID: {
    meaning: 'The kubeconfig is missing, cannot be read, or lacks an entry.',
    fix: 'The message names the file and the entry; `kubectl config view` shows what is set.',
  },
  KUBE_ALREADY_EXISTS: {
    meaning: 'An object of that name exists already in the cluster.',
    fix: 'Choose another name, or change the existing object.',
  },
  KUBE_CONFLICT: {
    meaning: 'The object changed in the meantime, or another field manager owns a field that was to be set.',
    fix: 'Retried by itself; for a field manager conflict let one side own the field, or force.',
  },
  KUBE_CREDENTIALS: {
    meaning: 'The credentials for the cluster could not be obtained: a token file or a credential plugin failed.',
    fix: 'Run the plugin that the message names by hand; check that it is installed and logged in.',
  },
  KUBE_EXPIRED: {
    meaning: 'The cluster no longer has the version that a watch or a list was to go on from.',
    fix: 'Handled by listing anew.',
  },
  KUBE_FORBIDDEN: {
    meaning: 'The cluster knows the user but does not allow the request.',
    fix: 'Grant the verb on the resource with a Role or ClusterRole and a binding.',
  },
  KUBE_INVALID: {
    meaning: 'The cluster refused an object because it breaks the rules of its kind.',
    fix: 'The message lists the fields.',
  },
  KUBE_KIND_NOT_SERVED: {
    meaning: 'The cluster does not serve the kind in that version.',
    fix: 'Install the CRD of the kind, or correct apiVersion and kind.',
  },
  KUBE_NOT_FOUND: {
    meaning: 'The object, or the namespace it is in, does not exist in the cluster.',
    fix: 'Check name and namespace.',
  },
  KUBE_STATUS: {
    meaning: 'The cluster answered with an error of its own, or something in between did.',
    fix: "The message is the server's; retried by itself.",
  },
  KUBE_THROTTLED: {
    meaning: 'The cluster asked to slow down, and went on doing so until the time was up.',
    fix: 'Retried by itself; look at API priority and fairness when it lasts.',
  },
  KUBE_UNAUTHORIZED: {
    meaning: 'The cluster did not accept the credentials.',
    fix: "Renew the token or certificate of the kubeconfig's user, or check the ServiceAccount.",
  },
  KUSTOMIZE_BUILD_FAILED: {
    meaning: 'A kustomization cannot be built: a file is missing, a field is wrong, a patch has no target.',
    fix: 'The message names the file and the field; `millrace build` shows the same on your machine.',
  },
  KUSTOMIZE_PATH_OUTSIDE: {
    meaning: 'A path or link of a kustomization leads out of the folder that may be read.',
    fix: 'Keep bases, files and links within the repository.',
  },
  LEASE_LOST: {
    meaning:
      'This process led the controllers and another one leads now, or the cluster could not be reached to renew.',
    fix: 'Nothing where a supervisor starts it again; else start it again.',
  },
  OBJECT_NOT_READY: {
    meaning: 'An object was reconciled and is not ready.',
    fix: 'The message is that of its Ready condition; `millrace events --for Kind/name` shows what happened.',
  },
  OBJECT_SUSPENDED: {
    meaning: 'An object that was to be reconciled is suspended.',
    fix: 'Resume it: `millrace resume Kind/name`.',
  },
  OCI_AUTH_DENIED: {
    meaning: 'A registry refused the credential, or wants one and none was given.',
    fix: 'Check the credential for this registry and what it may do with the repository.',
  },
  OCI_DIGEST_MISMATCH: {
    meaning: 'What a registry sent is not what its digest or size says.',
    fix: 'Usually a proxy or a broken transfer; nothing was used of it. If it stays, push the artifact again.',
  },
  OCI_MANIFEST_INVALID: {
    meaning: 'A manifest in a registry cannot be read.',
    fix: 'Push the artifact again; only OCI and Docker v2 manifests are understood.',
  },
  OCI_NOT_FOUND: {
    meaning: 'The registry has no such repository, tag or digest.',
    fix: 'Check name and tag; private registries also answer so where the credential may not see the repository.',
  },
  OCI_PAGINATION_REFUSED: {
    meaning: 'A registry pointed to another server where it must not (next page of tags, upload).',
    fix: 'Check the registry; a proxy before it must keep its host and scheme.',
  },
  OCI_RATE_LIMITED: {
    meaning: 'A registry asks to be called less often (429).',
    fix: 'Use longer intervals, or a credential (limits are higher with one).',
  },
  OCI_REFERENCE_INVALID: {
    meaning: 'An image name or artifact address is not of the accepted form.',
    fix: 'Images: host/name without scheme and tag. Artifacts: oci://host/name without tag.',
  },
  OCI_STATUS: {
    meaning: 'A registry answered a request with an error status, or with something that is no answer.',
    fix: 'The message gives the request and what the registry said.',
  },
  PROVISION_CONFLICT: {
    meaning: 'Something that provisioning has to make exists already, for another purpose.',
    fix: 'Look at what the message names; take it away if nothing else needs it, or choose another name.',
  },
  PROVISION_STOPPED: {
    meaning: 'A step of provisioning failed; those before it are done, those after it are not.',
    fix: 'Put right what the message names (often a missing permission) and run the command again: it goes on from there.',
  },
  PROVISION_WIDENS: {
    meaning: 'Provisioning would make an existing IAM policy or trust policy allow more than it does.',
    fix: 'Read the plan (--dry-run); --allow-widening carries it out.',
  },
  PRUNE_FAILED: {
    meaning: 'Objects that are no longer in the source could not be deleted.',
    fix: 'The message names them; they stay in the inventory and are tried again.',
  },
  REGISTRY_OPTIONS: {
    meaning: 'What an ImageRepository refers to for reaching its registry is missing or malformed.',
    fix: 'Check secretRef, serviceAccountName, certSecretRef and proxySecretRef in its spec, and the objects they name.',
  },
  REHEARSAL_IMPOSSIBLE: {
    meaning: 'The tree, the image or a document given to `millrace rehearse` does not say enough for a rehearsal.',
    fix: 'The message names what is missing; docs/rehearsal.md lists what a rehearsal reads.',
  },
  SANDBOX_NOT_FOUND: {
    meaning: 'A folder is not the data folder of a sandbox.',
    fix: 'Start a sandbox with `millrace up`, or name its folder with --data.',
  },
  SANDBOX_PORT_IN_USE: {
    meaning: 'A port that a part of the sandbox was told to use, or used before, cannot be used.',
    fix: 'Stop what listens on it (perhaps another `millrace up`), or choose another port or data folder.',
  },
  SIGNATURE_TRUST_INVALID: {
    meaning: 'The trust root for keyless signatures cannot be read.',
    fix: 'Put the trusted_root.json of your Sigstore into the Secret of spec.verify.trustedRootSecretRef (cosign trusted-root create).',
  },
  SOPS_DECRYPTION_FAILED: {
    meaning: 'Something that SOPS encrypted could not be decrypted, or was about to be applied encrypted.',
    fix: 'The message names the object and every key that was tried; see spec.decryption of the Kustomization.',
  },
  SOURCE_FAILED: {
    meaning: 'A source could not be fetched, verified or stored; its condition says so too.',
    fix: 'The message has the cause. It is tried again by itself.',
  },
  STORAGE_SERVER_FAILED: {
    meaning: 'The server of artifacts could not be started.',
    fix: 'Choose another address (--storage-addr).',
  },
  SUBSTITUTION_FAILED: {
    meaning: 'A ${…} expression cannot be read, or names a variable that is not defined.',
    fix: 'Correct the expression, define the variable or give it a default; write $${…} for text that stays.',
  },
  TRANSPORT_OPTIONS: {
    meaning: 'What an object refers to for TLS or a proxy is missing or malformed.',
    fix: 'Check certSecretRef and proxySecretRef in its spec, and the Secrets they name.',
  },
  YAML_INVALID: {
    meaning: 'A file is not valid YAML, or holds something else than mappings.',
    fix: 'The message names the file and the place.',
  },
} as const satisfies Record<string, { meaning: string; fix: string }>;

export type ErrorCode = keyof typeof errorCodes;
