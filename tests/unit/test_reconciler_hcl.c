/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/template/hcl.h"

#include <stdlib.h>

#include "base/text.h"
#include "tests/unit/check.h"

/* "KIND TYPE;" of each part, then the files: those of the template's folder behind "@". */
static char *found_in(const char *name, const char *text, struct error *err)
{
	struct hcl_scan scan = {0};
	struct text found = {0};

	if (hcl_scan_file(name, text, strlen(text), &scan, err) < 0) {
		hcl_scan_clear(&scan);
		return NULL;
	}
	for (size_t i = 0; i < scan.part_count; i++)
		text_addf(&found, "%s %s; ", plugin_kind_name(scan.parts[i].kind),
			scan.parts[i].type);
	for (size_t i = 0; i < scan.file_count; i++)
		text_addf(
			&found, "%s%s ", scan.files[i].of_template ? "@" : "", scan.files[i].path);
	strings_each (variable, &scan.environment)
		text_addf(&found, "$%s ", variable);
	strings_each (power, &scan.powers)
		text_addf(&found, "!%s ", power);
	hcl_scan_clear(&scan);
	return text_take(&found);
}

static const struct {
	const char *text, *found, *what;
} files[] = {
	{"locals { a = file(\"a.txt\") }", "@a.txt ", "a function"},
	{"locals { a = join(\",\", [file(\"a\"), filebase64( \"b\" )]) }\n", "@a @b ", "in others"},
	{"locals { a = \"x${file(\"a\")}y${ upper(file(\"b\")) }\" }\n", "@a @b ",
		"in interpolations"},
	{"locals { a = templatefile(\"${path.root}/t.pkrtpl\", { x = \"no\" }) }\n", "@t.pkrtpl ",
		"from the template's folder"},
	{"locals { a = fileset(\"dir\", \"*.sh\")\n b = fileexists(\"c\") }\n", "@dir @c ",
		"a folder, and what may not be there"},
	{"locals { a = file(var.x)\n b = file(\"${var.x}/y\") }\n", "", "what is no literal"},
	{"# file(\"a\")\n// file(\"b\")\n/* file(\"c\")\n */ x = file(\"d\") # \"\n", "@d ",
		"comments are none"},
	{"x = \"file(\\\"a\\\") $${file(\\\"b\\\")}\"\n", "", "nor are strings"},
	{"x = <<EOT\n file(\"a\") \"\n ${file(\"b\")}\n EOTX\n EOT\ny = file(\"c\")\n", "@b @c ",
		"nor a heredoc, but what is interpolated in it"},
	{"x = f(<<-EOT\n \"{\n EOT\n, file(\"c\"))\n", "@c ", "one that is an argument"},
	{"provisioner \"shell\" {\n script = \"s.sh\"\n scripts = [\"a.sh\", "
	 "\"${path.root}/b.sh\", "
	 "\"${var.x}\"]\n inline = [\"echo file\"]\n}\n",
		"provisioner shell; s.sh a.sh @b.sh ", "options that name files"},
	{"provisioner shell-local { script = \"a\\u002esh\" }", "provisioner shell-local; a.sh ",
		"labels without quotes, and escapes"},
	{"provisioner \"file\" {\n source = var.a ? \"one\" : \"two\"\n destination = \"/x\"\n}\n",
		"provisioner file; one two ", "each side of a condition"},
	{"build {\n sources = [\"source.null.x\"]\n source \"file.x\" { name = \"y\" }\n "
	 "post-processors {\n post-processor \"shell-local\" { inline = [\"x\"] }\n }\n}\n",
		"builder file; post-processor shell-local; ", "blocks in blocks"},
	{"source \"qemu\" \"x\" {\n qemuargs = [[\"-m\", \"1\"]]\n iso_url = \"http://x/y\"\n "
	 "http_directory = \"www\"\n}\n",
		"builder qemu; www !qemu-args ", "options that need a power"},
	{"dynamic \"provisioner\" { content {} }", "provisioner provisioner; ",
		"blocks that are made"},
	{"variable \"x\" { default = env(\"HOME\") }", "$HOME ", "the environment"},
	{"", "", "nothing"},
};

static const struct {
	const char *text, *found, *what;
} documents[] = {
	{"{\"build\": {\"provisioner\": {\"shell-local\": {\"script\": \"a.sh\"}}}}",
		"provisioner shell-local; a.sh ", "JSON: a block"},
	{"{\"build\": [{\"provisioner\": [{\"shell\": [{\"scripts\": [\"${path.root}/a\", "
	 "\"b\"]}]}]}]}",
		"provisioner shell; @a b ", "JSON: lists of them"},
	{"{\"locals\": {\"x\": \"${file(\\\"a\\\")}\"}, \"source\": {\"null\": {\"x\": {}}}}",
		"builder null; @a ", "JSON: interpolations"},
	{"{\"source\": {\"qemu\": [{\"x\": {\"http_directory\": \"www\", \"qemuargs\": []}}]}}",
		"builder qemu; www !qemu-args ", "JSON: options of a source"},
};

static const char *const broken[] = {"x = \"a\ny\"\n", "x = <<EOT\na\n", "/* x", "x = {\n", "x = }",
	"x = \"${ file(\"a\" \"", "x = \"${\"", "x = <<EOT", "a = \"\\"};

int main(void)
{
	struct error err = {0};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		char *found = found_in("a.pkr.hcl", files[i].text, &err);
		CHECK_TEXT(found, files[i].found, "%s", files[i].what);
		free(found);
	}
	for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
		char *found = found_in("a.pkr.json", documents[i].text, &err);
		CHECK_TEXT(found, documents[i].found, "%s", documents[i].what);
		free(found);
	}
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		char *found = found_in("a.pkr.hcl", broken[i], &err);
		CHECK(!found && err.kind == ERROR_CATALOG && strstr(err.text, "a.pkr.hcl:"),
			"what is broken is told with its line (%zu)", i + 1);
		free(found);
	}
	struct text deep = {0};
	for (size_t i = 0; i < 100000; i++)
		text_add(&deep, i % 2 ? "\"${" : "[");
	CHECK(!found_in("a.pkr.hcl", text_get(&deep), &err) && strstr(err.text, "deeply"),
		"nesting has its bounds");
	text_clear(&deep);
	return check_done();
}
