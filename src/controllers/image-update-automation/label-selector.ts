/** `metav1.LabelSelector`, as far as matching goes. */
export interface LabelSelector {
  matchLabels?: Record<string, string> | undefined;
  matchExpressions?: readonly SelectorRequirement[] | undefined;
}

export interface SelectorRequirement {
  key: string;
  operator: string;
  values?: readonly string[] | undefined;
}

type Labels = Readonly<Record<string, string>>;
type LabelTest = (labels: Labels) => boolean;

/** A test for labels; all requirements must hold. Throws a plain Error with Kubernetes' text for a bad requirement. */
export function compileLabelSelector(selector: LabelSelector): LabelTest {
  const tests: LabelTest[] = Object.entries(selector.matchLabels ?? {}).map(
    ([key, value]) =>
      (labels) =>
        labels[key] === value,
  );
  for (const requirement of selector.matchExpressions ?? []) tests.push(compileRequirement(requirement));
  return (labels) => tests.every((test) => test(labels));
}

function compileRequirement({ key, operator, values = [] }: SelectorRequirement): LabelTest {
  switch (operator) {
    case 'In':
    case 'NotIn': {
      if (values.length === 0) {
        throw new Error(`values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty`);
      }
      const isIn: LabelTest = (labels) => labels[key] !== undefined && values.includes(labels[key]);
      return operator === 'In' ? isIn : (labels) => !isIn(labels);
    }
    case 'Exists':
    case 'DoesNotExist': {
      if (values.length > 0) {
        throw new Error(
          `values: Invalid value: ${JSON.stringify(values)}: values set must be empty for exists and does not exist`,
        );
      }
      return (labels) => Object.hasOwn(labels, key) === (operator === 'Exists');
    }
    default:
      throw new Error(`"${operator}" is not a valid label selector operator`);
  }
}
