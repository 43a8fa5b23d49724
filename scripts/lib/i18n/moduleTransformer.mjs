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
      ...node.body.body.flatMap((member) => {
        const { value } = /** @type {{ value?: Node | null }} */ (member);
        return member.type === 'PropertyDefinition' && value
          ? this.visitWithCommentDirectives(member, () => this.visit(value))
          : [];
      }),
    ];
    // What a switch tells apart are names for programs.
    this.visitSwitchCase = (/** @type {{ consequent: Node[] }} */ { consequent }) => consequent.flatMap(this.visit);
    Object.assign(this, {
      visitThrowStatement: (/** @type {{ argument: Node }} */ { argument }) => this.visit(argument),
      visitTSNonNullExpression: (/** @type {{ expression: Node }} */ { expression }) => this.visit(expression),
    });
  }
}
