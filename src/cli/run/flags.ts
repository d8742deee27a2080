import { type Command, Option } from 'commander';
import { controllerNames, operatorName } from './controllers.ts';

/** Adds the flags; where Flux's controllers have the same one, under their name. */
export function addRunOptions(command: Command): Command {
  const logLevels = ['debug', 'info', 'warn', 'error'];
  const digests = ['sha256', 'sha384', 'sha512'];
  return command
    .option('-n, --namespace <name>', 'namespace of the installation (default: RUNTIME_NAMESPACE, flux-system)')
    .option(
      '--controllers <list>',
      `controllers to run, comma separated (${controllerNames.join(', ')}; also ${operatorName})`,
      '*',
    )
    .option('--concurrent <n>', 'objects of a kind to reconcile side by side')
    .option('--watch-all-namespaces [bool]', 'watch the objects of all namespaces, not only of one', 'true')
    .option(
      '--watch-label-selector <selector>',
      'only objects with these labels, such as sharding.fluxcd.io/key=shard1',
    )
    .option('--no-cross-namespace-refs [bool]', 'refuse references to objects of another namespace')
    .option('--allow-remote-bases [bool]', 'fetch kustomize bases of other hosts, over HTTP and with git')
    .option('--no-remote-bases [bool]', 'refuse them whatever else is said')
    .option('--default-service-account <name>', 'ServiceAccount to act as where an object names none')
    .option('--default-kubeconfig-service-account <name>', 'the same, for remote clusters by cloud identity')
    .option('--default-decryption-service-account <name>', 'the same, for decryption by cloud identity')
    .option('--sops-age-secret <name>', 'Secret of age keys for Kustomizations without a key of their own')
    .option('--concurrent-ssa <n>', 'dry runs of one Kustomization side by side', '4')
    .option('--http-retry <n>', 'how often the fetch of an artifact is repeated', '9')
    .option('--override-manager <name>', 'field manager whose changes are undone (repeatable)', collect, [])
    .option(
      '--custom-apply-stage-kinds <list>',
      'kinds that are applied before the others, as group/Kind, comma separated',
    )
    .option(
      '--watch-configs-label-selector <selector>',
      'ConfigMaps and Secrets whose changes wake who refers to them',
      'reconcile.fluxcd.io/watch=Enabled',
    )
    .option('--insecure-kubeconfig-tls [bool]', 'allow a kubeconfig of an object to skip the check of certificates')
    .option('--insecure-kubeconfig-exec [bool]', 'allow credential plugins in the kubeconfig of an object')
    .option('--storage-path <dir>', 'folder for artifacts (default: STORAGE_PATH, a folder of the user)')
    .option(
      '--storage-addr <address>',
      'address to serve artifacts on (default: STORAGE_ADDR, 127.0.0.1:0; in a pod :9090)',
    )
    .option('--storage-adv-addr <host>', 'address of the artifacts as others see it (default: STORAGE_ADV_ADDR)')
    .option('--storage-service <name>', 'Service without a selector that is to lead here while artifacts are served')
    .option('--artifact-retention-ttl <duration>', 'how long superseded artifacts stay', '60s')
    .option('--artifact-retention-records <n>', 'how many artifacts of an object stay', '2')
    .addOption(new Option('--artifact-digest-algo <name>', 'digest of artifacts').choices(digests).default('sha256'))
    .option('--events-addr <url>', 'notification endpoint that events are posted to')
    .option('--metrics-addr <address>', 'address of /metrics, 0 for none (default: in a pod :8080, else 0)')
    .option('--health-addr <address>', 'address of /healthz and /readyz, 0 for none (default: in a pod :9440, else 0)')
    .option('--enable-leader-election [bool]', 'run only while holding the Lease')
    .addOption(new Option('--leader-election [bool]', 'the same').hideHelp())
    .option('--ssh-kex-algos <list>', "key exchanges for SSH, comma separated (default: OpenSSH's)")
    .option('--ssh-hostkey-algos <list>', "host key algorithms for SSH (default: OpenSSH's)")
    .option('--registry-endpoint <host=url>', 'reach a registry at another address (repeatable)', collect, [])
    .option('--ecr-events-queue <url>', 'SQS queue with push events of ECR; a push is scanned at once')
    .option('--hook-addr <address>', 'take hooks of registries and git hosts at /hook/<sender> of this address')
    .option('--hook-token-file <file>', 'file with the token that senders of hooks know')
    .option('--allow-node-role [bool]', "fall back to the node's AWS role, which every pod on it has")
    .option('--token-cache-max-size <n>', 'AWS sessions and logins to keep, 0 for none', '100')
    .option('--token-cache-max-duration <duration>', 'longest time to keep one', '1h')
    .option('--feature-gates <list>', 'gates as Name=true, comma separated', '')
    .option('--min-retry-delay <duration>', 'delay after the first failure of an object', '750ms')
    .option('--max-retry-delay <duration>', 'longest delay after failures', '15m')
    .option('--interval-jitter-percentage <n>', 'spread of the intervals', '5')
    .option('--requeue-dependency <duration>', 'how soon to look again for a dependency', '30s')
    .option('--graceful-shutdown-timeout <duration>', 'time for runs under way when the process ends', '20s')
    .addOption(new Option('--log-level <level>', 'least level that is logged').choices(logLevels).default('info'))
    .option('--take-over', 'start although Flux runs the same controller in the cluster')
    .addOption(new Option('--exit-with-stdin', 'end when standard input ends').hideHelp());
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}
