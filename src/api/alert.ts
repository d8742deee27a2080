import { z } from 'zod';
import { ageColumn, defineKind, type ObjectOf } from './kind.ts';
import { LocalRef, StringMap } from './schema.ts';

export const notificationGroup = 'notification.toolkit.fluxcd.io';

/** The kinds whose events an Alert can ask for: Flux's, and those that its operator adds. */
const eventKinds = [
  'Bucket',
  'GitRepository',
  'Kustomization',
  'HelmRelease',
  'HelmChart',
  'HelmRepository',
  'ImageRepository',
  'ImagePolicy',
  'ImageUpdateAutomation',
  'OCIRepository',
  'ArtifactGenerator',
  'ExternalArtifact',
  'FluxInstance',
  'ResourceSet',
  'ResourceSetInputProvider',
] as const;

/** Which events go to a Provider (https://fluxcd.io/flux/components/notification/alerts/). */
export const Alert = defineKind({
  group: notificationGroup,
  versions: ['v1beta3'],
  kind: 'Alert',
  plural: 'alerts',
  singular: 'alert',
  categories: ['all', 'fluxcd', 'fluxcd-notifications'],
  printerColumns: [ageColumn],
  spec: z.object({
    providerRef: LocalRef,
    eventSeverity: z.enum(['info', 'error']).default('info'),
    eventSources: z.array(
      z.object({
        apiVersion: z.string().optional(),
        kind: z.enum(eventKinds),
        name: z.string().min(1).max(253),
        namespace: z.string().min(1).max(253).optional(),
        matchLabels: StringMap.optional(),
      }),
    ),
    eventMetadata: StringMap.optional(),
    inclusionList: z.array(z.string()).optional(),
    exclusionList: z.array(z.string()).optional(),
    summary: z.string().max(255).optional(),
    suspend: z.boolean().optional(),
  }),
});
export type Alert = ObjectOf<typeof Alert>;
