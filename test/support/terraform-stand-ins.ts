import { type Block, block, Expression, expression, printFile, type Value } from '../../src/provision/terraform/hcl.ts';

/**
 * The same configuration for a Terraform without providers: each resource, data source and module is a `terraform_data`, which is
 * built into Terraform, with the arguments as its input and beside them what a provider would compute. Terraform itself evaluates
 * every expression, rule of a variable and dependency; the schemas of the providers are not checked.
 */
export function withStandIns(
  files: Readonly<Record<string, readonly Block[]>>,
  region: string,
): Record<string, string> {
  const printed = Object.entries(files).map(
    ([name, blocks]) => [name, printFile(blocks.flatMap((each) => standIn(each, region)))] as const,
  );
  return Object.fromEntries(printed);
}

const kept = ['variable', 'locals', 'output'];

function standIn(original: Block, region: string): Block[] {
  const { type, labels, attributes, blocks } = original;
  if (type === 'terraform' || type === 'provider') return [];
  if (kept.includes(type))
    return [{ ...original, attributes: rewritten(attributes), blocks: blocks.map(rewrittenBlock) }];
  const [kind = '', name = ''] = type === 'module' ? ['module', ...labels] : labels;
  const { count, depends_on, source: _s, version, data_wo: _w, ...rest } = attributes;
  const input = {
    ...rewritten(rest),
    ...(version === undefined ? {} : rewritten({ version })),
    ...nested(blocks.filter((inner) => inner.type !== 'lifecycle')),
    ...(kind === 'aws_iam_policy_document'
      ? { json: policyDocument(blocks) }
      : computed(kind, region, attributes['name'])),
  };
  return [
    block('resource', ['terraform_data', standInName(type, kind, name)], {
      count: count === undefined ? undefined : (rewrite(count) as Value),
      input,
      depends_on: (depends_on as Expression[] | undefined)?.map(({ text }) =>
        expression(text.replace(reference, address)),
      ),
    }),
  ];
}

function standInName(type: string, kind: string, name: string): string {
  return `${type === 'data' ? 'data_' : ''}${kind}__${name}`;
}

const reference = /(?<![\w.])(data\.)?((?:aws|helm|kubernetes)_\w+|module)\.(\w+)/g;

function address(_: string, data: string | undefined, kind: string, name: string): string {
  return `terraform_data.${standInName(data === undefined ? '' : 'data', kind, name)}`;
}

function rewrite(value: Value | undefined): Value | undefined {
  if (value instanceof Expression)
    return expression(
      value.text.replace(
        new RegExp(`${reference.source}(\\[\\*\\])?`, 'g'),
        (whole, data, kind, name, splat = '') => `${address(whole, data, kind, name)}${splat}.output`,
      ),
    );
  if (Array.isArray(value)) return value.map((each) => rewrite(each as Value) as Value);
  if (typeof value !== 'object' || value === null) return value;
  return rewritten(value as Record<string, Value | undefined>);
}

function rewritten(values: Readonly<Record<string, Value | undefined>>): Record<string, Value | undefined> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, rewrite(value)]));
}

function rewrittenBlock(original: Block): Block {
  return { ...original, attributes: rewritten(original.attributes), blocks: original.blocks.map(rewrittenBlock) };
}

/** Nested blocks as providers show them: a list for each type. */
function nested(blocks: readonly Block[]): Record<string, Value> {
  const lists = new Map<string, Value[]>();
  for (const { type, attributes, blocks: inner } of blocks)
    lists.set(type, [...(lists.get(type) ?? []), { ...rewritten(attributes), ...nested(inner) }]);
  return Object.fromEntries(lists);
}

/** What AWS says about an account in the region, and the ARNs that it gives. */
function computed(kind: string, region: string, name: Value | undefined): Record<string, Value> {
  const partition = region.startsWith('cn-') ? 'aws-cn' : 'aws';
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const issuer = `oidc.eks.${region}.${suffix}/id/EXAMPLED539D4633E53DE1B716D3041E`;
  const iam = `arn:${partition}:iam::111122223333`;
  // A name is the text of a template: "${var.name_prefix}-…".
  const named = (arn: string) => ({
    arn: name instanceof Expression ? expression(`"${arn}/${name.text.slice(1)}`) : arn,
  });
  const known: Record<string, Record<string, Value>> = {
    aws_partition: { partition, dns_suffix: suffix },
    aws_region: { region },
    aws_caller_identity: { account_id: '111122223333' },
    aws_eks_cluster: {
      endpoint: 'https://eks.example.com',
      certificate_authority: [{ data: 'Y2E=' }],
      identity: [{ oidc: [{ issuer: `https://${issuer}` }] }],
    },
    aws_iam_openid_connect_provider: { arn: `${iam}:oidc-provider/${issuer}` },
    aws_iam_policy: named(`${iam}:policy`),
    aws_iam_role: named(`${iam}:role`),
    module: named(`${iam}:role`),
    aws_sqs_queue: { arn: `arn:${partition}:sqs:${region}:111122223333:queue`, id: 'https://sqs.example.com/queue' },
    aws_cloudwatch_event_rule: { arn: `arn:${partition}:events:${region}:111122223333:rule/push` },
  };
  return known[kind] ?? {};
}

/** The document that the data source writes. */
function policyDocument(blocks: readonly Block[]): Value {
  const statements = blocks.map(({ attributes, blocks: inner }) => {
    const { sid, effect, actions, resources } = rewritten(attributes);
    const [principal] = inner.filter(({ type }) => type === 'principals').map((each) => rewritten(each.attributes));
    const tests = new Map<string, string[]>();
    for (const { attributes: condition } of inner.filter(({ type }) => type === 'condition')) {
      const { test, variable, values } = rewritten(condition);
      tests.set(String(test), [...(tests.get(String(test)) ?? []), `(${text(variable)}) = ${text(values)}`]);
    }
    const conditions = [...tests].map(([test, pairs]) => `${test} = { ${pairs.join(', ')} }`);
    return [
      ...(sid === undefined ? [] : [`Sid = ${text(sid)}`]),
      `Effect = ${text(effect)}`,
      `Action = ${text(actions)}`,
      ...(resources === undefined ? [] : [`Resource = ${text(resources)}`]),
      ...(principal === undefined ? [] : [`Principal = { ${principal['type']} = ${text(principal['identifiers'])} }`]),
      ...(conditions.length === 0 ? [] : [`Condition = { ${conditions.join(', ')} }`]),
    ].join(', ');
  });
  const list = statements.map((each) => `{ ${each} }`).join(', ');
  return expression(`jsonencode({ Version = "2012-10-17", Statement = [${list}] })`);
}

function text(value: Value | undefined): string {
  return printFile([block('x', [], { v: value })])
    .replace(/^x \{\n {2}v = /, '')
    .replace(/\n\}\n$/, '');
}
