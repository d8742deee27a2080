import { z } from 'zod';

/** A duration as Go prints it; hours allowed (spec/source.md §1). */
export const Duration = z.string().regex(/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/);

/** A duration without hours, as the APIs want it for time-outs. */
export const Timeout = z.string().regex(/^([0-9]+(\.[0-9]+)?(ms|s|m))+$/);

/** RFC 3339, as `metav1.Time`. */
export const Time = z.string().meta({ format: 'date-time' });

export const Int64 = z.number().int().meta({ format: 'int64' });

export const StringMap = z.record(z.string(), z.string());

/** A reference to an object of the same namespace. */
export const LocalRef = z.object({ name: z.string() });

/** CEL rules on a node of the schema (`x-kubernetes-validations`). */
export function celRules(...rules: readonly (readonly [rule: string, message: string])[]) {
  return { 'x-kubernetes-validations': rules.map(([rule, message]) => ({ rule, message })) };
}

/** A field that must be there although it has a default: the API's `required` and `default` are independent. */
export const requiredDespiteDefault = { requiredDespiteDefault: true };

/** `metav1.Condition`. */
export const ConditionSchema = z.object({
  type: z
    .string()
    .max(316)
    .regex(
      /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$/,
    ),
  status: z.enum(['True', 'False', 'Unknown']),
  observedGeneration: z.number().int().min(0).meta({ format: 'int64' }).optional(),
  lastTransitionTime: Time,
  reason: z
    .string()
    .min(1)
    .max(1024)
    .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/),
  message: z.string().max(32768),
});

/** What every reconciled kind has in its status. */
export const commonStatus = {
  observedGeneration: Int64.optional(),
  conditions: z.array(ConditionSchema).optional(),
  lastHandledReconcileAt: z.string().optional(),
};

/** A label selector, `metav1.LabelSelector`. */
export const LabelSelector = z
  .object({
    matchLabels: StringMap.optional(),
    matchExpressions: z
      .array(
        z.object({
          key: z.string(),
          operator: z.string(),
          values: z.array(z.string()).meta({ 'x-kubernetes-list-type': 'atomic' }).optional(),
        }),
      )
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .optional(),
  })
  .meta({ 'x-kubernetes-map-type': 'atomic' });

/** Which namespaces may refer to an object (`accessFrom`). */
export const AccessFrom = z.object({
  namespaceSelectors: z.array(z.object({ matchLabels: StringMap.optional() })),
});

/** Which objects a patch or an ignore rule is meant for. */
export const Selector = z.object({
  group: z.string().optional(),
  version: z.string().optional(),
  kind: z.string().optional(),
  name: z.string().optional(),
  namespace: z.string().optional(),
  labelSelector: z.string().optional(),
  annotationSelector: z.string().optional(),
});

/** The cloud that a registry or bucket login is asked of. */
export const CloudProvider = z.enum(['generic', 'aws', 'azure', 'gcp']).default('generic');
