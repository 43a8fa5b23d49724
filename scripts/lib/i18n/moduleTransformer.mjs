/** wuchale's transformer of scripts, taught the places of sentences that it passes over. */
import { Transformer } from 'wuchale/adapter-vanilla';

/** @typedef {Parameters<Transformer['visit']>[0]} Node */

export class ModuleTransformer extends Transformer {
  /** @param {ConstructorParameters<typeof Transformer>} args */
  constructor(...args) {
    super(...args);
    const visitMethods = this.visitClassDeclaration;
    this.visitClassDeclaration = (/** @type {Parameters<typeof visitMethods>[0]} */ node) => [
      ...visitMethods(node),
      ...node.body.body.flatMap((member) =>
        member.type === 'PropertyDefinition' && member.value ? this.visit(member.value) : [],
      ),
    ];
    Object.assign(this, {
      visitThrowStatement: (/** @type {{ argument: Node }} */ { argument }) => this.visit(argument),
      visitTSNonNullExpression: (/** @type {{ expression: Node }} */ { expression }) => this.visit(expression),
    });
  }
}
