/* SPDX-License-Identifier: Apache-2.0 */
/* Carries a parsed template out. */
#include "base/gotemplate_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/real.h"

struct variable {
	const char *name;
	struct gotemplate_value value;
};

enum flow { FLOW_ON, FLOW_BREAK, FLOW_CONTINUE };

struct runner {
	const struct gotemplate_options *options;
	const struct tree *tree;
	struct text *out;
	size_t out_start;
	struct variable *variables;
	size_t count, room;
	struct strings texts; /* results of functions, alive until the end */
	size_t text_size;     /* of all of them */
	unsigned depth, steps;
	struct error *err;
};

static int run_list(struct runner *runner, const struct node *list, struct gotemplate_value dot,
	enum flow *flow);
static int run_pipe(struct runner *runner, const struct pipe *pipe, struct gotemplate_value dot,
	struct gotemplate_value *result);

static int check_size(struct runner *runner)
{
	if (runner->out->size - runner->out_start > GOTEMPLATE_OUTPUT_MOST)
		return fail(runner->err, ERROR_CATALOG, "the result is larger than %d bytes",
			GOTEMPLATE_OUTPUT_MOST);
	return 0;
}

static int count_step(struct runner *runner)
{
	if (++runner->steps > GOTEMPLATE_STEPS_MOST)
		return fail(runner->err, ERROR_CATALOG, "it takes more than %d steps",
			GOTEMPLATE_STEPS_MOST);
	return 0;
}

/* What functions look at takes time, what they make memory too. */
static int count_bytes(struct runner *runner, size_t size)
{
	runner->text_size += size;
	if (runner->text_size <= GOTEMPLATE_OUTPUT_MOST)
		return 0;
	return fail(runner->err, ERROR_CATALOG, "its functions get and give more than %d bytes",
		GOTEMPLATE_OUTPUT_MOST);
}

/* Keeps the text alive until the end of the run. */
static int keep_text(struct runner *runner, struct text *text, struct gotemplate_value *value)
{
	size_t size = text->size;

	*value = (struct gotemplate_value){.type = VALUE_TEXT};
	value->text.size = size;
	value->text.bytes = text_take(text);
	strings_add_taken(&runner->texts, (char *)(uintptr_t)value->text.bytes);
	return count_bytes(runner, size);
}

static void add_variable(struct runner *runner, const char *name, struct gotemplate_value value)
{
	MEMORY_GROW(runner->variables, runner->count, runner->room);
	runner->variables[runner->count++] = (struct variable){name, value};
}

static int set_variable(
	struct runner *runner, const char *name, bool assigns, struct gotemplate_value value)
{
	if (!assigns) {
		add_variable(runner, name, value);
		return 0;
	}
	for (size_t i = runner->count; i--;) {
		if (strcmp(runner->variables[i].name, name) == 0) {
			runner->variables[i].value = value;
			return 0;
		}
	}
	return fail(runner->err, ERROR_CATALOG, "the variable %s is not defined", name);
}

static int get_variable(struct runner *runner, const char *name, struct gotemplate_value *value)
{
	for (size_t i = runner->count; i--;) {
		if (strcmp(runner->variables[i].name, name) == 0) {
			*value = runner->variables[i].value;
			return 0;
		}
	}
	return fail(runner->err, ERROR_CATALOG, "the variable %s has no value yet", name);
}

static int find_field(struct runner *runner, const struct strings *names,
	struct gotemplate_value value, struct gotemplate_value *result)
{
	strings_each (name, names) {
		if (value.type == VALUE_NIL || value.type == VALUE_MISSING) {
			value.type = VALUE_MISSING;
			break;
		}
		if (value.type != VALUE_JSON || json_kind(value.json) != JSON_OBJECT)
			return fail(runner->err, ERROR_CATALOG, "a %s has no field %s",
				value_type_name(&value), name);
		if (json_has(value.json, name))
			value = value_of_json(json_get(value.json, name));
		else if (runner->options->strict_fields)
			return fail(runner->err, ERROR_CATALOG, "there is no field .%s here", name);
		else
			value.type = VALUE_MISSING;
	}
	*result = value;
	return 0;
}

static int run_operand(struct runner *runner, const struct node *node, struct gotemplate_value dot,
	struct gotemplate_value *result);

/* ---- functions ---- */

static int check_argument(struct runner *runner, const char *name, char wanted,
	const struct gotemplate_value *argument)
{
	enum value_type type = wanted == 'i' ? VALUE_INTEGER : VALUE_TEXT;

	if (argument->type == type)
		return 0;
	return fail(runner->err, ERROR_CATALOG, "%s needs %s, not %s", name,
		type == VALUE_TEXT ? "a string" : "a whole number", value_type_name(argument));
}

static int call_own(struct runner *runner, const struct gotemplate_function *function,
	const struct gotemplate_value *arguments, size_t count, struct gotemplate_value *result)
{
	CLEANUP(text_clear) struct text text = {0};
	const char *parameters = function->parameters;
	size_t least = strcspn(parameters, "S");
	bool more = parameters[least] == 'S';

	if (count < least || (count > least && !more))
		return fail(runner->err, ERROR_CATALOG, "%s needs %s%zu argument%s, got %zu",
			function->name, more ? "at least " : "", least, least == 1 ? "" : "s",
			count);
	for (size_t i = 0; i < count; i++)
		if (check_argument(runner, function->name, i < least ? parameters[i] : 'S',
			    &arguments[i]) < 0)
			return -1;
	if (function->call(runner->options->context, arguments, count, &text, runner->err) < 0)
		return fail_while(runner->err, "%s", function->name);
	return keep_text(runner, &text, result);
}

static int call_builtin(struct runner *runner, const char *name,
	const struct gotemplate_value *arguments, size_t count, struct gotemplate_value *result)
{
	const struct builtin *builtin = builtin_find(name);
	struct text storage = {0};

	if (count < (size_t)builtin->least || (builtin->most >= 0 && count > (size_t)builtin->most))
		return fail(runner->err, ERROR_CATALOG, "%s: wrong number of arguments: %zu", name,
			count);
	int failed = builtin->call(arguments, count, result, &storage, runner->err);
	/* a text result lies in the storage, which must outlive this call */
	if (failed == 0 && result->type == VALUE_TEXT && storage.data)
		failed = keep_text(runner, &storage, result);
	text_clear(&storage);
	return failed < 0 ? fail_while(runner->err, "%s", name) : 0;
}

/* and, or: the arguments behind the one that decides are not looked at. */
static int run_and_or(struct runner *runner, const struct node *function,
	struct gotemplate_value dot, const struct gotemplate_value *last,
	struct gotemplate_value *result)
{
	bool is_or = function->text[0] == 'o', any = false;

	for (const struct node *operand = function->next; operand; operand = operand->next) {
		if (run_operand(runner, operand, dot, result) < 0)
			return -1;
		any = true;
		if (value_is_true(result) == is_or)
			return 0;
	}
	if (last)
		*result = *last;
	else if (!any)
		return fail(runner->err, ERROR_CATALOG, "%s: wrong number of arguments: 0",
			function->text);
	return 0;
}

/* A constant such as 1e3 or 2.0 is an integer where a function takes one. */
static void fit_constant(const struct node *operand, const char *parameters,
	struct gotemplate_value *value, size_t index)
{
	bool whole = index < strlen(parameters) && parameters[index] == 'i';

	if (!whole || operand->type != NODE_CONSTANT || value->type != VALUE_REAL ||
		value->real != (double)real_to_integer(value->real))
		return;
	*value = (struct gotemplate_value){VALUE_INTEGER, .integer = real_to_integer(value->real)};
}

static int run_call(struct runner *runner, const struct node *function, struct gotemplate_value dot,
	const struct gotemplate_value *last, struct gotemplate_value *result)
{
	struct gotemplate_value *arguments = NULL;
	size_t count = 0, room = 0;
	int failed = 0;

	if (!function->function &&
		(strcmp(function->text, "and") == 0 || strcmp(function->text, "or") == 0))
		return run_and_or(runner, function, dot, last, result);
	for (const struct node *operand = function->next; operand && !failed;
		operand = operand->next) {
		MEMORY_GROW(arguments, count, room);
		failed = run_operand(runner, operand, dot, &arguments[count++]);
		if (!failed && function->function)
			fit_constant(operand, function->function->parameters, &arguments[count - 1],
				count - 1);
	}
	if (!failed && last) {
		MEMORY_GROW(arguments, count, room);
		arguments[count++] = *last;
	}
	for (size_t i = 0; i < count && !failed; i++)
		if (arguments[i].type == VALUE_TEXT)
			failed = count_bytes(runner, arguments[i].text.size);
	if (!failed && function->function)
		failed = call_own(runner, function->function, arguments, count, result);
	else if (!failed)
		failed = call_builtin(runner, function->text, arguments, count, result);
	free(arguments);
	return failed;
}

/* ---- pipelines ---- */

static int run_operand(struct runner *runner, const struct node *node, struct gotemplate_value dot,
	struct gotemplate_value *result)
{
	struct gotemplate_value value;

	switch (node->type) {
	case NODE_DOT:
		*result = dot;
		return 0;
	case NODE_CONSTANT:
		*result = node->constant;
		return 0;
	case NODE_FIELD:
		return find_field(runner, &node->names, dot, result);
	case NODE_VARIABLE:
		if (get_variable(runner, node->text, &value) < 0)
			return -1;
		return find_field(runner, &node->names, value, result);
	case NODE_PIPE:
		if (run_pipe(runner, node->pipe, dot, &value) < 0)
			return -1;
		return find_field(runner, &node->names, value, result);
	case NODE_FUNCTION: {
		/* as an argument: called without any */
		struct node alone = *node;
		alone.next = NULL;
		return run_call(runner, &alone, dot, NULL, result);
	}
	default:
		return fail(
			runner->err, ERROR_BROKEN, "a node of type %d as an operand", node->type);
	}
}

static int run_command(struct runner *runner, const struct command *command,
	struct gotemplate_value dot, const struct gotemplate_value *last,
	struct gotemplate_value *result)
{
	const struct node *first = command->operands;

	if (count_step(runner) < 0)
		return -1;
	if (first->type == NODE_FUNCTION)
		return run_call(runner, first, dot, last, result);
	if (first->next || last)
		return fail(runner->err, ERROR_CATALOG,
			"arguments are given to something that is no function");
	if (first->type == NODE_CONSTANT && first->constant.type == VALUE_NIL)
		return fail(runner->err, ERROR_CATALOG, "nil is no command");
	return run_operand(runner, first, dot, result);
}

/* The value of a pipeline; its variables are not set yet. */
static int run_commands(struct runner *runner, const struct pipe *pipe, struct gotemplate_value dot,
	struct gotemplate_value *result)
{
	struct gotemplate_value value = {.type = VALUE_MISSING};
	bool first = true;

	if (++runner->depth > 2 * GOTEMPLATE_DEPTH_MOST)
		return fail(runner->err, ERROR_CATALOG, "nested too deep");
	for (const struct command *c = pipe->commands; c; c = c->next, first = false) {
		struct gotemplate_value last = value;
		if (run_command(runner, c, dot, first ? NULL : &last, &value) < 0)
			return -1;
	}
	runner->depth--;
	*result = value;
	return 0;
}

static int run_pipe(struct runner *runner, const struct pipe *pipe, struct gotemplate_value dot,
	struct gotemplate_value *result)
{
	if (run_commands(runner, pipe, dot, result) < 0)
		return -1;
	if (pipe->variables[0])
		return set_variable(runner, pipe->variables[0], pipe->assigns, *result);
	return 0;
}

/* ---- nodes ---- */

static int run_body(struct runner *runner, const struct node *list, struct gotemplate_value dot,
	enum flow *flow)
{
	size_t scope = runner->count;
	int result = run_list(runner, list, dot, flow);

	runner->count = scope;
	return result;
}

static int run_condition(struct runner *runner, const struct node *node,
	struct gotemplate_value dot, enum flow *flow)
{
	size_t scope = runner->count;
	struct gotemplate_value value;

	if (run_pipe(runner, node->pipe, dot, &value) < 0)
		return -1;
	bool truth = value_is_true(&value);
	if (truth && node->type == NODE_WITH)
		dot = value;
	int result = run_body(runner, truth ? node->body : node->otherwise, dot, flow);
	runner->count = scope;
	return result;
}

/* One round of a range: KEY and VALUE into its variables. */
static int run_round(struct runner *runner, const struct node *node, struct gotemplate_value key,
	struct gotemplate_value value, bool *stop)
{
	size_t scope = runner->count;
	const struct pipe *pipe = node->pipe;
	enum flow flow = FLOW_ON;

	int result = 0;
	if (pipe->variables[0])
		result = set_variable(runner, pipe->variables[0], pipe->assigns,
			pipe->variables[1] ? key : value);
	if (result == 0 && pipe->variables[1])
		result = set_variable(runner, pipe->variables[1], pipe->assigns, value);
	if (result == 0)
		result = run_list(runner, node->body, value, &flow);
	runner->count = scope;
	*stop = flow == FLOW_BREAK;
	return result;
}

static int range_object(struct runner *runner, const struct node *node, const struct json *object)
{
	CLEANUP(strings_clear) struct strings keys = {0};
	bool stop = false;

	json_each_member (member, object)
		strings_add(&keys, member.key);
	strings_sort(&keys); /* Go walks a map in the order of its keys */
	for (size_t i = 0; i < keys.count && !stop; i++) {
		struct text copy = {0};
		text_add(&copy, keys.items[i]);
		struct gotemplate_value key;
		if (keep_text(runner, &copy, &key) < 0 ||
			run_round(runner, node, key, value_of_json(json_get(object, keys.items[i])),
				&stop) < 0)
			return -1;
	}
	return 0;
}

static int run_range(struct runner *runner, const struct node *node, struct gotemplate_value dot,
	enum flow *flow)
{
	struct gotemplate_value value;
	bool stop = false;

	if (run_commands(runner, node->pipe, dot, &value) < 0)
		return -1;
	if (value.type != VALUE_JSON && value.type != VALUE_NIL && value.type != VALUE_MISSING)
		return fail(runner->err, ERROR_CATALOG, "range cannot walk over a %s",
			value_type_name(&value));
	if (value.type != VALUE_JSON || !json_count(value.json))
		return run_body(runner, node->otherwise, dot, flow);
	if (json_kind(value.json) == JSON_OBJECT)
		return range_object(runner, node, value.json);
	for (size_t i = 0; i < json_count(value.json) && !stop; i++) {
		struct gotemplate_value key = {VALUE_INTEGER, .integer = i};
		if (run_round(runner, node, key, value_of_json(json_item(value.json, i)), &stop) <
			0)
			return -1;
	}
	return 0;
}

static int run_template(struct runner *runner, const struct node *node, struct gotemplate_value dot)
{
	struct gotemplate_value inner = {.type = VALUE_NIL};
	const struct definition *definition = runner->tree->definitions;
	enum flow flow = FLOW_ON;

	while (definition && strcmp(definition->name, node->text) != 0)
		definition = definition->next;
	if (!definition)
		return fail(runner->err, ERROR_CATALOG, "there is no template \"%s\"", node->text);
	if (node->pipe && run_pipe(runner, node->pipe, dot, &inner) < 0)
		return -1;
	if (++runner->depth > GOTEMPLATE_DEPTH_MOST)
		return fail(runner->err, ERROR_CATALOG, "template \"%s\" is nested too deep",
			node->text);

	size_t scope = runner->count;
	add_variable(runner, "$", inner);
	int result = run_list(runner, definition->body, inner, &flow);
	runner->count = scope;
	runner->depth--;
	return result;
}

static int run_node(struct runner *runner, const struct node *node, struct gotemplate_value dot,
	enum flow *flow)
{
	struct gotemplate_value value;

	if (count_step(runner) < 0)
		return -1;
	if (node->type == NODE_TEXT || node->kept) {
		text_add_bytes(runner->out, node->source, node->source_size);
		return check_size(runner);
	}
	switch (node->type) {
	case NODE_ACTION:
		if (run_pipe(runner, node->pipe, dot, &value) < 0)
			return -1;
		if (!node->pipe->variables[0])
			value_print(&value, runner->out);
		return check_size(runner);
	case NODE_IF:
	case NODE_WITH:
		return run_condition(runner, node, dot, flow);
	case NODE_RANGE:
		return run_range(runner, node, dot, flow);
	case NODE_TEMPLATE:
		return run_template(runner, node, dot);
	case NODE_BREAK:
		*flow = FLOW_BREAK;
		return 0;
	case NODE_CONTINUE:
		*flow = FLOW_CONTINUE;
		return 0;
	default:
		return fail(runner->err, ERROR_BROKEN, "a node of type %d in a list", node->type);
	}
}

static int run_list(struct runner *runner, const struct node *list, struct gotemplate_value dot,
	enum flow *flow)
{
	for (const struct node *node = list; node && *flow == FLOW_ON; node = node->next)
		if (run_node(runner, node, dot, flow) < 0)
			return -1;
	return 0;
}

static int run(const char *template, const struct tree *tree,
	const struct gotemplate_options *options, struct text *out, struct error *err)
{
	struct runner runner = {
		.options = options, .tree = tree, .out = out, .out_start = out->size, .err = err};
	struct gotemplate_value dot = {.type = VALUE_NIL};
	enum flow flow = FLOW_ON;

	if (tree->kept) {
		text_add(out, template);
		return 0;
	}
	if (options->data)
		dot = value_of_json(options->data);
	add_variable(&runner, "$", dot);
	int result = run_list(&runner, tree->body, dot, &flow);
	strings_clear(&runner.texts);
	free(runner.variables);
	if (result < 0)
		out->size = runner.out_start;
	return result;
}

int gotemplate_render(const char *template, const struct gotemplate_options *options,
	struct text *out, struct error *err)
{
	struct tree tree = {0};

	if (!strstr(template, "{{")) {
		text_add(out, template);
		return 0;
	}
	int result = tree_parse(template, options, &tree, err);
	if (result == 0)
		result = run(template, &tree, options, out, err);
	tree_clear(&tree);
	return result;
}

/* ---- looking into a template ---- */

static void visit_pipe(const struct pipe *pipe, gotemplate_visit *visit, void *context);

static void visit_operands(const struct node *operand, gotemplate_visit *visit, void *context)
{
	const struct node *next = operand->next;

	if (operand->type == NODE_FUNCTION && next && next->type == NODE_CONSTANT &&
		next->constant.type == VALUE_TEXT)
		visit(context, operand->text, next->text);
	for (; operand; operand = operand->next)
		visit_pipe(operand->pipe, visit, context);
}

static void visit_pipe(const struct pipe *pipe, gotemplate_visit *visit, void *context)
{
	for (const struct command *c = pipe ? pipe->commands : NULL; c; c = c->next)
		visit_operands(c->operands, visit, context);
}

static void visit_list(const struct node *list, gotemplate_visit *visit, void *context)
{
	for (; list; list = list->next) {
		visit_pipe(list->pipe, visit, context);
		visit_list(list->body, visit, context);
		visit_list(list->otherwise, visit, context);
	}
}

int gotemplate_visit_calls(const char *template, const struct gotemplate_options *options,
	gotemplate_visit *visit, void *context, struct error *err)
{
	struct tree tree = {0};
	int result = tree_parse(template, options, &tree, err);

	if (result == 0) {
		visit_list(tree.body, visit, context);
		for (const struct definition *d = tree.definitions; d; d = d->next)
			visit_list(d->body, visit, context);
	}
	tree_clear(&tree);
	return result;
}

/* ---- what a caller's function asks of its arguments ---- */

const char *gotemplate_text(const struct gotemplate_value *arguments, size_t index)
{
	return arguments[index].text.bytes;
}

long long gotemplate_integer(const struct gotemplate_value *arguments, size_t index)
{
	return arguments[index].integer;
}
