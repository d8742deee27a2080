import { type Decision, decide } from '../../../iam/decide.ts';
import { type Policy, parsePolicy } from '../../../iam/policy-document.ts';
import type { Caller } from '../../../iam/policy-principal.ts';
import { conditionContext } from '../../../iam/policy-variables.ts';
import { AwsFault } from '../fault.ts';
import { roleNameOf } from '../identity.ts';
import type { QueryParams } from '../query-params.ts';
import type { XmlValue } from '../query-protocol.ts';
import type { AwsContext, QueryOperation } from '../service.ts';
import { noSuchEntity, requirePolicy } from './checks.ts';
import { pageOf } from './paging.ts';

const policyLimit = { what: 'PolicySize', characters: 131_072 };

/** SimulatePrincipalPolicy and SimulateCustomPolicy: what policies would decide, asked without doing it. */
export function simulateOperations({ account, iam }: AwsContext): Record<string, QueryOperation> {
  return {
    SimulatePrincipalPolicy(params, call) {
      const arn = params.required('PolicySourceArn');
      call.require('iam:SimulatePrincipalPolicy', arn);
      const role = iam.roles.get(roleNameOf(arn));
      const user = [...iam.users.values()].find((candidate) => candidate.arn === arn);
      const entity = role?.arn === arn ? role : user;
      if (entity === undefined) throw noSuchEntity(`The principal ${arn} cannot be found.`);
      const boundary = role?.boundary === undefined ? undefined : iam.managedPolicy(role.boundary);
      const caller: Caller =
        entity === user
          ? { kind: 'user', arn, account: account.id }
          : { kind: 'session', arn, account: account.id, roleArn: arn };
      return simulate(params, caller, iam.policiesOf(entity), boundary);
    },

    SimulateCustomPolicy(params, call) {
      call.require('iam:SimulateCustomPolicy', '*');
      const policies = params.list('PolicyInputList').map((document, index) => {
        requirePolicy(document, 'identity', policyLimit);
        return parsePolicy(document, 'identity', `PolicyInputList.${index + 1}`);
      });
      const caller: Caller = { kind: 'user', arn: params.optional('CallerArn') ?? '', account: account.id };
      return simulate(params, caller, policies, undefined);
    },
  };
}

function simulate(
  params: QueryParams,
  caller: Caller,
  identity: readonly Policy[],
  boundary: Policy | undefined,
): XmlValue {
  const actions = params.list('ActionNames');
  if (actions.length === 0) throw new AwsFault('InvalidInput', 'ActionNames is required');
  const given = params.list('ResourceArns');
  const resources = given.length === 0 ? ['*'] : given;
  const context = conditionContext(contextEntries(params));
  const results = actions.flatMap((action) =>
    resources.map((resource): XmlValue => {
      const decision = decide(
        { caller, action, resource, context },
        { identity, ...(boundary === undefined ? {} : { boundary }) },
      );
      return {
        EvalActionName: action,
        EvalResourceName: resource,
        EvalDecision: decision.outcome,
        MatchedStatements: matchedStatements(decision),
        MissingContextValues: [],
        PermissionsBoundaryDecisionDetail:
          boundary === undefined
            ? undefined
            : { AllowedByPermissionsBoundary: decision.refusedBy !== 'permissions boundary' },
      };
    }),
  );
  const { items, ...rest } = pageOf(results, params);
  return { EvaluationResults: items, ...rest };
}

/** The statements that made the decision: those of its effect that applied. */
function matchedStatements({ reasons, outcome }: Decision): XmlValue[] {
  const effect = outcome === 'allowed' ? 'Allow' : 'Deny';
  return reasons
    .filter((reason) => reason.applies && reason.effect === effect)
    .map(({ policy }) => ({ SourcePolicyId: policy, SourcePolicyType: 'IAM Policy' }));
}

function contextEntries(params: QueryParams): Record<string, string[]> {
  const entries: Record<string, string[]> = {};
  params.structures('ContextEntries', ['ContextKeyName']).forEach(({ ContextKeyName }, index) => {
    entries[ContextKeyName] = params.list(`ContextEntries.member.${index + 1}.ContextKeyValues`);
  });
  return entries;
}
