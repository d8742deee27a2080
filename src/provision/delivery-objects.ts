import { ImagePolicy } from '../api/image-policy.ts';
import { ImageRepository } from '../api/image-repository.ts';
import { ImageUpdateAutomation } from '../api/image-update-automation.ts';
import { kindRef } from '../api/kind.ts';
import type { Configuration } from './configuration.ts';

/** What the delivery objects take from elsewhere: texts, or expressions that Terraform resolves. */
export interface DeliveryPlaces<T> {
  namespace: T;
  /** Folder that the cluster is synchronised from. */
  gitPath: T;
  /** The whole name of an image of the configuration. */
  imageName(image: string): T;
}

/** An ImageRepository and an ImagePolicy for each image, and the automation that commits what they choose. */
export function deliveryObjects<T>(configuration: Configuration, places: DeliveryPlaces<T>) {
  const metadata = (name: string) => ({ name, namespace: places.namespace });
  const { images, git, automation } = configuration;
  if (images.length === 0) return [];
  const branch = git.ref.replace(/^refs\/heads\//, '');
  const { author, pushBranch, path } = automation;
  return [
    ...images.flatMap(({ name, image, interval, policy }) => [
      {
        ...kindRef(ImageRepository),
        metadata: metadata(name),
        spec: { image: places.imageName(image), provider: 'aws', interval },
      },
      { ...kindRef(ImagePolicy), metadata: metadata(name), spec: { imageRepositoryRef: { name }, policy } },
    ]),
    {
      ...kindRef(ImageUpdateAutomation),
      metadata: metadata('images'),
      spec: {
        interval: '30m0s',
        sourceRef: { kind: 'GitRepository', name: places.namespace },
        git: {
          checkout: { ref: { branch } },
          commit: { author: { ...author }, messageTemplate: commitMessage },
          push: { branch: pushBranch ?? branch },
        },
        update: { path: path ?? places.gitPath, strategy: 'Setters' },
      },
    },
  ];
}

const commitMessage = '{{ range .Changed.Changes }}{{ .OldValue }} -> {{ .NewValue }}\n{{ end }}';
