import { parseEcrHost } from '../aws/ecr-host.ts';
import { isRecord, textAt } from '../base/json.ts';
import type { KubeObject } from '../base/kube-object.ts';
import { parseArn } from '../iam/arn.ts';
import type { Configuration } from './configuration.ts';

/** A repository, or a pattern of them, in an ECR registry. `account` and `region` are absent for the installation's own. */
export interface EcrReference {
  account?: string;
  region?: string;
  repository: string;
}

/** Reads a repository as configurations write it: a name or pattern, an image name with its ECR host, or an ARN. */
export function parseEcrReference(text: string, { aws }: Pick<Configuration, 'aws'>): EcrReference {
  const arn = parseArn(text);
  const slash = text.indexOf('/');
  const host = slash < 0 ? undefined : parseEcrHost(text.slice(0, slash));
  if (arn !== undefined) {
    return reference(arn.account, arn.region, arn.resource.replace(/^repository\//, ''), aws);
  }
  if (host?.kind === 'private') return reference(host.account, host.region, text.slice(slash + 1), aws);
  return { repository: text };
}

function reference(account: string, region: string, repository: string, own: Configuration['aws']): EcrReference {
  const isOwn = (own.account === undefined || own.account === account) && own.region === region;
  return isOwn ? { repository } : { account, region, repository };
}

/** The partition that a region is in (AWS general reference, "ARN partitions"). */
export function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  if (region.startsWith('us-gov-')) return 'aws-us-gov';
  if (region.startsWith('us-isob-')) return 'aws-iso-b';
  if (region.startsWith('us-iso-')) return 'aws-iso';
  if (region.startsWith('eusc-')) return 'aws-eusc';
  return 'aws';
}

/** The ARN of a reference, as policies name it; the account is a placeholder while nobody has said it. */
export function arnOf({ account, region, repository }: EcrReference, { aws }: Pick<Configuration, 'aws'>): string {
  const home = region ?? aws.region;
  return `arn:${partitionOf(home)}:ecr:${home}:${account ?? aws.account ?? '*'}:repository/${repository}`;
}

/** What of a GitOps tree concerns images. */
export interface TreeImages {
  /** `spec.image` of every ImageRepository in ECR. */
  scanned: string[];
  /** Repositories of OCIRepositories in ECR. */
  pulled: string[];
  /** Names of ImageRepositories on an ECR host that do not say `provider: aws`. */
  withoutProvider: string[];
  hasAutomation: boolean;
}

/** Reads which ECR repositories the objects of a GitOps tree use. */
export function imagesOfTree(objects: readonly Partial<KubeObject>[]): TreeImages {
  const found: TreeImages = { scanned: [], pulled: [], withoutProvider: [], hasAutomation: false };
  for (const object of objects) {
    const spec = isRecord(object['spec']) ? object['spec'] : {};
    if (object.kind === 'ImageUpdateAutomation') found.hasAutomation = true;
    if (object.kind === 'ImageRepository') {
      const image = textAt(spec, 'image') ?? '';
      if (!isPrivateEcr(image)) continue;
      found.scanned.push(image);
      if (spec['provider'] !== 'aws') found.withoutProvider.push(object.metadata?.name ?? image);
    }
    if (object.kind === 'OCIRepository') {
      const url = (textAt(spec, 'url') ?? '').replace(/^oci:\/\//, '');
      if (isPrivateEcr(url)) found.pulled.push(url);
    }
  }
  return found;
}

function isPrivateEcr(image: string): boolean {
  return parseEcrHost(image.split('/', 1)[0] ?? '')?.kind === 'private';
}

/** References as text, sorted and without what a pattern of the list covers already, so that the policy is as short as it reads. */
export function covering(all: readonly EcrReference[], home: Pick<Configuration, 'aws'>): string[] {
  const written = all.map((each) => (each.region === undefined ? each.repository : arnOf(each, home)));
  const unique = [...new Set(written)].sort();
  const patterns = unique.filter((text) => /[*?]/.test(text));
  return unique.filter((text) => !patterns.some((pattern) => pattern !== text && matches(pattern, text)));
}

function matches(pattern: string, text: string): boolean {
  const expression = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${expression}$`).test(text);
}
