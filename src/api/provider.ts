import { z } from 'zod';
import { notificationGroup } from './alert.ts';
import { ageColumn, defineKind, type ObjectOf } from './kind.ts';
import { Duration, LocalRef, Timeout } from './schema.ts';

const types = [
  ...['slack', 'discord', 'msteams', 'rocket', 'generic', 'generic-hmac', 'github', 'gitlab', 'gitea'],
  ...['giteapullrequestcomment', 'githubpullrequestcomment', 'gitlabmergerequestcomment', 'bitbucketserver'],
  ...['bitbucket', 'azuredevops', 'googlechat', 'googlepubsub', 'webex', 'sentry', 'azureeventhub', 'telegram'],
  ...['lark', 'matrix', 'opsgenie', 'alertmanager', 'grafana', 'githubdispatch', 'pagerduty', 'datadog', 'nats'],
  ...['zulip', 'otel'],
] as const;

/** Where messages go (https://fluxcd.io/flux/components/notification/providers/). */
export const Provider = defineKind({
  group: notificationGroup,
  versions: ['v1beta3'],
  kind: 'Provider',
  plural: 'providers',
  singular: 'provider',
  categories: ['all', 'fluxcd', 'fluxcd-notifications'],
  printerColumns: [ageColumn],
  spec: z.object({
    type: z.enum(types),
    interval: Duration.optional(),
    channel: z.string().max(2048).optional(),
    username: z.string().max(2048).optional(),
    address: z.string().max(2048).optional(),
    timeout: Timeout.optional(),
    proxy: z
      .string()
      .max(2048)
      .regex(/^(http|https):\/\/.*$/)
      .optional(),
    proxySecretRef: LocalRef.optional(),
    secretRef: LocalRef.optional(),
    certSecretRef: LocalRef.optional(),
    serviceAccountName: z.string().optional(),
    commitStatusExpr: z.string().optional(),
    suspend: z.boolean().optional(),
  }),
});
export type Provider = ObjectOf<typeof Provider>;
