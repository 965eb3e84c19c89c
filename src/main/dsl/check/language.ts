/**
 * Finds what is not part of the language. TypeScript's grammar is larger than C's: what has no
 * meaning in a driver is refused with a hint, so that nothing silently differs from C.
 */
import ts from 'typescript'
import { resolvePath, structNameOf } from '../../../shared/nt/layout'
import type { Diagnostic } from '../../../shared/contract/model'
import { DDIS } from '../../kernel/ddi/index'
import { rangeOf, ruleDiagnostic, type RuleCode } from '../diagnostics'
import {
  bare,
  isAssignment,
  isFunctionNode,
  isValueUse,
  referenceOf,
  type Reference,
} from '../references'
import { isLibrary, type Typing } from '../typing'
import { multiCharacter } from '../transform/multi-character'
import { FORBIDDEN_MEMBERS, HOST_NAMES } from './names'

const K = ts.SyntaxKind

/** Helpers that may be called while a file is loaded, when there is no thread yet. */
const FILE_LEVEL_HELPERS = new Set([
  'struct',
  'array',
  'pointer',
  'sizeof',
  'offsetof',
  'cast',
  'RTL_CONSTANT_STRING',
  'CTL_CODE',
  'NT_SUCCESS',
  'NT_INFORMATION',
  'NT_WARNING',
  'NT_ERROR',
])

const STATEMENTS_OF_A_FILE = new Set([
  K.ImportDeclaration,
  K.ExportDeclaration,
  K.VariableStatement,
  K.FunctionDeclaration,
  K.InterfaceDeclaration,
  K.TypeAliasDeclaration,
  K.EnumDeclaration,
  K.EmptyStatement,
  // Refused elsewhere, with words of their own.
  K.ClassDeclaration,
  K.ModuleDeclaration,
  K.ImportEqualsDeclaration,
  K.ExportAssignment,
  K.LabeledStatement,
])

/** Where the structures of a project are declared; programs that share no file may use the same names. */
export class StructNames {
  private readonly places = new Map<string, ts.Node[]>()

  /** @param isTogether  whether two files belong to one program */
  constructor(private readonly isTogether: (one: ts.SourceFile, other: ts.SourceFile) => boolean) {}

  /** False when the name is taken. */
  declare(name: string, place: ts.Node): boolean {
    const places = this.places.get(name) ?? []
    this.places.set(name, [...places, place])
    const file = place.getSourceFile()
    return !places.some((each) => this.isTogether(each.getSourceFile(), file))
  }
}

/** Checks one file of a project. */
export class LanguageCheck {
  private readonly found: Diagnostic[] = []
  private readonly checker: ts.TypeChecker

  constructor(
    private readonly file: ts.SourceFile,
    private readonly typing: Typing,
    private readonly structs: StructNames,
  ) {
    this.checker = typing.checker
  }

  run(): Diagnostic[] {
    for (const statement of this.file.statements)
      if (!STATEMENTS_OF_A_FILE.has(statement.kind)) this.report('DSL023', statement)
    ts.forEachChild(this.file, (node) => this.visit(node))
    return this.found
  }

  private report(
    code: RuleCode,
    node: ts.Node,
    details: readonly string[] = [],
    hint?: string,
  ): void {
    this.reportRange(code, node.getStart(this.file), node.end, details, hint)
  }

  private reportRange(
    code: RuleCode,
    start: number,
    end: number,
    details: readonly string[] = [],
    hint?: string,
  ): void {
    // A long construct is marked by its first line only.
    const newline = this.file.text.indexOf('\n', start)
    const stop = newline >= 0 && newline < end ? newline : end
    this.found.push(ruleDiagnostic(code, rangeOf(this.file, start, stop), details, hint))
  }

  private visit(node: ts.Node): void {
    // Types have no meaning at run time.
    if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return
    if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return
    this.checkNode(node)
    if (!ts.isClassLike(node) && !ts.isModuleDeclaration(node))
      ts.forEachChild(node, (child) => this.visit(child))
  }

  private checkNode(node: ts.Node): void {
    if (ts.canHaveModifiers(node))
      for (const modifier of ts.getModifiers(node) ?? []) {
        if (modifier.kind === K.AsyncKeyword) this.report('DSL002', modifier, ['`async`'])
        else if (modifier.kind === K.DeclareKeyword) this.report('DSL016', modifier)
        else if (modifier.kind === K.DefaultKeyword) this.report('DSL017', modifier, ['export'])
      }
    if (isFunctionNode(node)) this.checkFunction(node)
    switch (node.kind) {
      case K.ClassDeclaration:
      case K.ClassExpression:
        return this.report('DSL001', node)
      case K.AwaitExpression:
        return this.report('DSL002', node, ['`await`'])
      case K.YieldExpression:
        return this.report('DSL003', node)
      case K.ThisKeyword:
        return this.report('DSL004', node, ['this'])
      case K.SuperKeyword:
        return this.report('DSL004', node, ['super'])
      case K.MetaProperty:
        return this.report('DSL008', node, [node.getText(this.file)])
      case K.NewExpression:
        return this.report('DSL005', node)
      case K.DeleteExpression:
        return this.report('DSL006', node, ['delete'])
      case K.TypeOfExpression:
        return this.report('DSL006', node, ['typeof'])
      case K.RegularExpressionLiteral:
        return this.report('DSL007', node)
      case K.GetAccessor:
      case K.SetAccessor:
        return this.report('DSL012', node)
      case K.ComputedPropertyName:
        return this.report('DSL011', node)
      case K.PrivateIdentifier:
        return this.report('DSL001', node)
      case K.NumericLiteral:
        return this.checkNumber(node as ts.NumericLiteral)
      case K.VariableDeclarationList: {
        const isVar = !(node.flags & ts.NodeFlags.BlockScoped)
        if (isVar)
          this.reportRange('DSL044', node.getStart(this.file), node.getStart(this.file) + 3)
        return
      }
      case K.ThrowStatement:
        return this.report('DSL014', node)
      case K.WithStatement:
        return this.report('DSL015', node, ['with'])
      case K.DebuggerStatement:
        return this.report('DSL015', node, ['debugger'])
      case K.ModuleDeclaration:
        return this.report('DSL016', node)
      case K.Decorator:
        return this.report('DSL015', node, [node.getText(this.file)])
      case K.ExportAssignment:
      case K.ImportEqualsDeclaration:
      case K.NamespaceImport:
      case K.NamespaceExport:
        return this.report('DSL017', node, [node.kind === K.ExportAssignment ? 'export' : 'import'])
      case K.ExportDeclaration:
        return this.checkExport(node as ts.ExportDeclaration)
      case K.ImportClause:
        if ((node as ts.ImportClause).name) this.report('DSL017', node, ['import'])
        return
      case K.TaggedTemplateExpression:
        return this.report('DSL036', node)
      case K.TemplateSpan:
        return this.checkText((node as ts.TemplateSpan).expression)
      case K.ForInStatement:
        return this.report('DSL039', node)
      case K.ForOfStatement:
        if ((node as ts.ForOfStatement).awaitModifier) this.report('DSL002', node, ['`for await`'])
        return
      case K.EnumDeclaration:
        return this.checkEnum(node as ts.EnumDeclaration)
      case K.SwitchStatement: {
        const { expression } = node as ts.SwitchStatement
        if (this.typing.of(expression).k === 'pointer')
          this.report('DSL033', expression, ['the subject of a switch'])
        return
      }
      case K.CatchClause: {
        const name = (node as ts.CatchClause).variableDeclaration?.name
        if (name && !ts.isIdentifier(name))
          this.report(
            'DSL030',
            name,
            ['An exception is not taken apart.'],
            'Ask GetExceptionCode().',
          )
        return
      }
      case K.ObjectBindingPattern:
      case K.ArrayBindingPattern:
        return this.checkPattern(node as ts.BindingPattern)
      case K.SpreadAssignment:
        return this.checkSpread(node as ts.SpreadAssignment)
      case K.BinaryExpression:
        return this.checkBinary(node as ts.BinaryExpression)
      case K.PropertyAccessExpression:
        return this.checkMember(node as ts.PropertyAccessExpression)
      case K.ElementAccessExpression:
        return this.checkElement(node as ts.ElementAccessExpression)
      case K.CallExpression:
        return this.checkCall(node as ts.CallExpression)
      case K.PropertyAssignment:
      case K.ShorthandPropertyAssignment:
      case K.MethodDeclaration:
        return this.checkMemberName((node as ts.PropertyAssignment).name)
      case K.PrefixUnaryExpression:
      case K.PostfixUnaryExpression: {
        const unary = node as ts.PrefixUnaryExpression
        const steps = unary.operator === K.PlusPlusToken || unary.operator === K.MinusMinusToken
        if (steps) this.checkTarget(unary.operand)
        return
      }
      case K.Identifier:
        return this.checkIdentifier(node as ts.Identifier)
      default:
        return
    }
  }

  // --- functions and modules ---------------------------------------------------------------------

  private checkFunction(node: ts.FunctionLikeDeclaration): void {
    if (node.asteriskToken) this.report('DSL003', node.asteriskToken)
    for (const parameter of node.parameters) {
      if (ts.isIdentifier(parameter.name)) {
        if (parameter.name.text === 'this') this.report('DSL004', parameter, ['this'])
      } else
        this.report(
          'DSL030',
          parameter.name,
          ['Parameters are not taken apart.'],
          'Give the parameter a name and read its members inside of the function.',
        )
      if (parameter.initializer && !this.isConstant(parameter.initializer))
        this.report('DSL031', parameter.initializer)
    }
  }

  /** Can be evaluated where nothing may be called or changed? */
  private isConstant(node: ts.Expression): boolean {
    const inner = bare(node)
    if (ts.isCallExpression(inner)) {
      const callee = bare(inner.expression)
      const reference = ts.isIdentifier(callee) ? referenceOf(this.checker, callee) : undefined
      return (
        reference?.k === 'helper' &&
        FILE_LEVEL_HELPERS.has(reference.name) &&
        inner.arguments.every((each) => this.isConstant(each))
      )
    }
    if (ts.isBinaryExpression(inner))
      return (
        !isAssignment(inner.operatorToken.kind) &&
        this.isConstant(inner.left) &&
        this.isConstant(inner.right)
      )
    if (ts.isPrefixUnaryExpression(inner))
      return (
        inner.operator !== K.PlusPlusToken &&
        inner.operator !== K.MinusMinusToken &&
        this.isConstant(inner.operand)
      )
    return (
      ts.isLiteralExpression(inner) ||
      ts.isIdentifier(inner) ||
      inner.kind === K.NullKeyword ||
      inner.kind === K.TrueKeyword ||
      inner.kind === K.FalseKeyword ||
      (ts.isPropertyAccessExpression(inner) && this.isConstant(inner.expression)) ||
      (ts.isArrayLiteralExpression(inner) && inner.elements.length === 0)
    )
  }

  private checkExport(node: ts.ExportDeclaration): void {
    if (node.isTypeOnly) return
    if (node.moduleSpecifier || !node.exportClause) this.report('DSL017', node, ['export'])
    else if (ts.isNamedExports(node.exportClause))
      for (const { name, propertyName } of node.exportClause.elements)
        for (const each of [name, propertyName])
          if (each && (!ts.isIdentifier(each) || each.text === 'default'))
            this.report('DSL017', each, ['export'])
  }

  /** Is the node evaluated while the file is loaded? */
  private isFileLevel(node: ts.Node): boolean {
    for (let at = node.parent; at; at = at.parent) if (isFunctionNode(at)) return false
    return true
  }

  // --- data ----------------------------------------------------------------------------------------

  private checkNumber(node: ts.NumericLiteral): void {
    const value = Number(node.text)
    if (!Number.isInteger(value)) this.report('DSL013', node, [node.getText(this.file)])
    else if (!Number.isSafeInteger(value)) this.report('DSL043', node, [node.getText(this.file)])
  }

  private checkEnum(node: ts.EnumDeclaration): void {
    for (const member of node.members)
      if (typeof this.checker.getConstantValue(member) !== 'number')
        this.report('DSL035', member, [
          `${member.name.getText(this.file)} has no number as its value.`,
        ])
  }

  private checkPattern(node: ts.BindingPattern): void {
    const declaration = node.parent
    if (ts.isObjectBindingPattern(node))
      for (const element of node.elements) {
        const name = element.propertyName ?? element.name
        if (ts.isIdentifier(name)) this.checkMemberName(name)
      }
    if (ts.isParameter(declaration)) return
    this.checkTakenApart(node, this.typing.ofType(this.checker.getTypeAtLocation(node)).k)
  }

  private checkTakenApart(node: ts.Node, kind: string): void {
    if (kind === 'array' || kind === 'object') return
    this.report('DSL030', node, ['Only script arrays and objects can be taken apart.'])
  }

  private checkSpread(node: ts.SpreadAssignment): void {
    const { k } = this.typing.of(node.expression)
    if (k !== 'object') this.report('DSL030', node, ['Only script objects can be spread.'])
  }

  private checkMemberName(name: ts.PropertyName): void {
    if ((ts.isIdentifier(name) || ts.isStringLiteral(name)) && FORBIDDEN_MEMBERS.has(name.text))
      this.report('DSL010', name, [name.text])
    if (ts.isNumericLiteral(name)) this.report('DSL011', name)
  }

  private checkMember(node: ts.PropertyAccessExpression): void {
    if (node.questionDotToken) this.report('DSL029', node.questionDotToken, ['?.'])
    if (FORBIDDEN_MEMBERS.has(node.name.text)) this.report('DSL010', node.name, [node.name.text])
    else if (node.name.text.startsWith('$')) this.report('DSL032', node.name)
    // A routine of the script library, such as `push`, is no value.
    const symbol = this.checker.getSymbolAtLocation(node.name)
    if (
      symbol &&
      symbol.flags & ts.SymbolFlags.Method &&
      isLibrary(symbol) &&
      !(ts.isCallExpression(node.parent) && node.parent.expression === node)
    )
      this.report('DSL028', node, [node.getText(this.file)])
  }

  private checkElement(node: ts.ElementAccessExpression): void {
    if (node.questionDotToken) this.report('DSL029', node.questionDotToken, ['?.'])
    const { k } = this.typing.of(node.argumentExpression)
    if (k !== 'int' && k !== 'number' && k !== 'literal' && k !== 'any' && k !== 'null')
      this.report('DSL011', node.argumentExpression)
    const object = this.typing.of(node.expression)
    if (object.k === 'object' || object.k === 'function') this.report('DSL011', node)
  }

  /** Neither a pointer nor a function is text. */
  private checkText(node: ts.Expression): void {
    const { k } = this.typing.of(node)
    if (k === 'pointer' || k === 'function') this.report('DSL033', node, ['turned into text'])
  }

  private checkBinary(node: ts.BinaryExpression): void {
    const operator = node.operatorToken
    if (isAssignment(operator.kind)) this.checkTarget(node.left)
    switch (operator.kind) {
      case K.InKeyword:
      case K.InstanceOfKeyword:
        return this.report('DSL006', node, [operator.getText(this.file)])
      case K.AsteriskAsteriskToken:
      case K.AsteriskAsteriskEqualsToken:
      case K.AmpersandAmpersandEqualsToken:
      case K.BarBarEqualsToken:
      case K.QuestionQuestionEqualsToken:
        return this.report('DSL034', operator, [operator.getText(this.file)])
      case K.LessThanToken:
      case K.LessThanEqualsToken:
      case K.GreaterThanToken:
      case K.GreaterThanEqualsToken:
        if ([node.left, node.right].some((side) => this.typing.of(side).k === 'pointer'))
          this.report('DSL033', node, ['ordered'])
        return
      case K.PlusToken:
      case K.PlusEqualsToken:
        if (
          [node.left, node.right].some((side) =>
            ['pointer', 'function'].includes(this.typing.of(side).k),
          )
        )
          this.report('DSL033', node, ['added'])
        return
      case K.EqualsToken:
        if (ts.isObjectLiteralExpression(node.left) || ts.isArrayLiteralExpression(node.left))
          this.checkAssignmentPattern(node.left)
        return
      default:
        return
    }
  }

  private checkTarget(target: ts.Expression): void {
    if (bare(target) !== target) this.report('DSL042', target)
  }

  /** `[a, b] = [b, a]`: only variables stand on the left. */
  private checkAssignmentPattern(
    node: ts.ArrayLiteralExpression | ts.ObjectLiteralExpression,
  ): void {
    const parts = ts.isArrayLiteralExpression(node)
      ? node.elements
      : node.properties.map((each) => (ts.isPropertyAssignment(each) ? each.initializer : each))
    for (const part of parts)
      if (
        !ts.isIdentifier(part) &&
        !ts.isShorthandPropertyAssignment(part) &&
        !ts.isOmittedExpression(part)
      )
        this.report(
          'DSL030',
          part,
          ['Only variables can be assigned this way.'],
          'Write one assignment for each.',
        )
    this.checkTakenApart(node, this.typing.ofType(this.checker.getTypeAtLocation(node)).k)
  }

  // --- calls and names -----------------------------------------------------------------------------

  private checkCall(node: ts.CallExpression): void {
    if (node.questionDotToken) this.report('DSL029', node.questionDotToken, ['?.'])
    const callee = bare(node.expression)
    if (callee.kind === K.ImportKeyword) return this.report('DSL008', callee, ['import()'])
    const reference = ts.isIdentifier(callee) ? referenceOf(this.checker, callee) : undefined
    if (this.isFileLevel(node)) this.checkFileLevelCall(node, callee, reference)
    if (reference?.k === 'helper') this.checkHelper(node, reference.name)
    if (reference?.k === 'routine') this.checkTags(node, reference.name)
    if (ts.isPropertyAccessExpression(callee)) this.checkSearch(node, callee)
  }

  /** Script arrays compare pointers by identity, not by address. */
  private checkSearch(node: ts.CallExpression, callee: ts.PropertyAccessExpression): void {
    if (!['indexOf', 'lastIndexOf', 'includes', 'join'].includes(callee.name.text)) return
    if (this.typing.of(callee.expression).k !== 'array') return
    const element = this.checker.getIndexTypeOfType(
      this.checker.getTypeAtLocation(callee.expression),
      ts.IndexKind.Number,
    )
    if (!element || this.typing.ofType(element).k !== 'pointer') return
    if (callee.name.text === 'join') this.report('DSL033', node, ['turned into text'])
    else
      this.report(
        'DSL033',
        node,
        [`found by ${callee.name.text}`],
        'Go through the array: for (const each of list) if (each === p) ...',
      )
  }

  private checkFileLevelCall(
    node: ts.CallExpression,
    callee: ts.Expression,
    reference: Reference | undefined,
  ): void {
    if (reference?.k === 'helper') {
      if (reference.name === 'local') this.report('DSL025', node)
      else if (!FILE_LEVEL_HELPERS.has(reference.name) && reference.name !== 'GetExceptionCode')
        this.report('DSL024', callee, [reference.name])
      return
    }
    if (reference?.k === 'global') return
    if (ts.isPropertyAccessExpression(callee)) {
      const symbol = this.checker.getSymbolAtLocation(callee.name)
      if (symbol && isLibrary(symbol)) return
    }
    this.report('DSL024', callee, [callee.getText(this.file)])
  }

  /** Where C has an integer, only short texts are as good. */
  private checkTags(node: ts.CallExpression, name: string): void {
    const params = Object.values(DDIS[name]?.params ?? {})
    node.arguments.forEach((argument, i) => {
      if (params[i]?.k !== 'u32') return
      const type = this.checker.getTypeAtLocation(argument)
      if (type.flags & ts.TypeFlags.StringLike && multiCharacter(type) === undefined)
        this.report('DSL041', argument)
    })
  }

  private checkHelper(node: ts.CallExpression, name: string): void {
    const [first, second, third] = node.arguments
    for (const argument of node.arguments)
      if (ts.isSpreadElement(argument))
        this.report(
          'DSL030',
          argument,
          [`${name} takes its arguments one by one.`],
          'Write them out.',
        )
    switch (name) {
      case 'GetExceptionCode':
        if (!this.isInCatch(node)) this.report('DSL026', node)
        return
      case 'addressof':
        if (first) this.checkAddressof(first)
        return
      case 'struct':
        return this.checkStruct(node, first)
      case 'offsetof':
        return this.checkPath(first, second)
      case 'CONTAINING_RECORD':
        return this.checkPath(second, third)
      default:
        return
    }
  }

  private isInCatch(node: ts.Node): boolean {
    for (let at = node; at.parent; at = at.parent) {
      if (ts.isCatchClause(at.parent) && at.parent.block === at) return true
      if (isFunctionNode(at)) return false
    }
    return false
  }

  private checkAddressof(place: ts.Expression): void {
    const shape =
      ts.isPropertyAccessExpression(place) || ts.isElementAccessExpression(place)
        ? this.typing.of(place.expression)
        : undefined
    // A pointer, a group inside of a structure, or something of unknown type.
    if (shape && (shape.k === 'pointer' || shape.k === 'any' || this.isGroup(place))) return
    this.report('DSL027', place)
  }

  /** A member of an anonymous structure inside of a structure of Windows. */
  private isGroup(place: ts.Expression): boolean {
    if (!ts.isPropertyAccessExpression(place)) return false
    const symbol = this.checker.getSymbolAtLocation(place.name)
    return symbol !== undefined && isLibrary(symbol) && !(symbol.flags & ts.SymbolFlags.Method)
  }

  private checkStruct(node: ts.CallExpression, first: ts.Expression | undefined): void {
    if (!first || !ts.isStringLiteralLike(first))
      return this.report('DSL037', first ?? node, [
        'The name of a structure is written as a string.',
      ])
    if (!/^[A-Za-z_]\w*$/.test(first.text))
      return this.report('DSL037', first, [`'${first.text}' is no name.`])
    if (!this.isFileLevel(node))
      return this.report('DSL037', node, ['A structure is declared once, outside of functions.'])
    if (structNameOf(first.text) !== undefined || !this.structs.declare(first.text, first))
      return this.report(
        'DSL037',
        first,
        [`There is a structure ${first.text} already.`],
        'Give it another name.',
      )
    const fields = node.arguments[1]
    if (!fields || !ts.isObjectLiteralExpression(fields))
      this.report('DSL037', fields ?? node, [
        'The fields of a structure are written as { Name: TYPE }.',
      ])
  }

  /** The field that offsetof and CONTAINING_RECORD name has to exist. */
  private checkPath(type: ts.Expression | undefined, path: ts.Expression | undefined): void {
    if (!type || !path) return
    if (!ts.isStringLiteralLike(path))
      return this.report('DSL038', path, ['The field is written as a string.'])
    const reference = ts.isIdentifier(type) ? referenceOf(this.checker, type) : undefined
    if (reference?.k === 'type') {
      const name = structNameOf(reference.name)
      if (name !== undefined && !resolvePath(name, path.text))
        this.report('DSL038', path, [`${name} has no field ${path.text}.`])
      return
    }
    const content = this.checker
      .getTypeAtLocation(type)
      .getProperties()
      .find((property) => (property.escapedName as string).startsWith('__@content@'))
    let inner = content && this.checker.getTypeOfSymbol(content)
    for (const part of path.text.split('.')) {
      const field = inner?.getProperty(part.replace(/\[\d+\]$/, ''))
      if (!inner || inner.flags & ts.TypeFlags.Any) return
      if (!field)
        return this.report('DSL038', path, [
          `${type.getText(this.file)} has no field ${path.text}.`,
        ])
      inner = this.checker.getTypeOfSymbol(field)
    }
  }

  private checkIdentifier(node: ts.Identifier): void {
    const { text, parent } = node
    if (text.startsWith('$') && !ts.isPropertyAccessExpression(parent))
      return this.report('DSL032', node)
    if (!isValueUse(node)) return
    if (text === 'arguments' || text === 'undefined') {
      if (text === 'arguments') this.report('DSL004', node, [text])
      return
    }
    if (text === 'globalThis' || text === 'Symbol') {
      const symbol = this.checker.getSymbolAtLocation(node)
      if (!symbol || text === 'globalThis' || isLibrary(symbol))
        this.report('DSL009', node, [text], HOST_NAMES.get(text))
      return
    }
    const reference = referenceOf(this.checker, node)
    const isCallee = ts.isCallExpression(outermost(node).parent) && isCalleeOf(outermost(node))
    if (reference.k === 'helper' || reference.k === 'global') {
      if (reference.name === 'Math' && ts.isPropertyAccessExpression(parent)) return
      if (!isCallee) this.report('DSL028', node, [text])
    }
    if (reference.k === 'local' || reference.k === 'import')
      this.checkEnumUse(node, reference.symbol)
  }

  private checkEnumUse(node: ts.Identifier, symbol: ts.Symbol): void {
    if (!(symbol.flags & ts.SymbolFlags.Enum) || ts.isPropertyAccessExpression(node.parent)) return
    this.report('DSL035', node, [`The enumeration ${node.text} is no value.`])
  }
}

/** The node with the parentheses and type assertions around it. */
function outermost(node: ts.Expression): ts.Expression {
  let outer = node
  while (ts.isExpression(outer.parent) && bare(outer.parent) === node && outer.parent !== outer)
    outer = outer.parent
  return outer
}

function isCalleeOf(node: ts.Expression): boolean {
  return ts.isCallExpression(node.parent) && node.parent.expression === node
}
