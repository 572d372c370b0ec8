/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a Go template, with Packer's functions and without. The first byte chooses how it is rendered. */
#include "base/gotemplate.h"

#include <string.h>

#include "base/map.h"
#include "reconciler/template/interpolation.h"
#include "tests/fuzz/fuzz.h"

static const char *get_environment(void *context, const char *name)
{
	(void)context;
	return strcmp(name, "HOME") == 0 ? "/root" : "";
}

static void render_plain(const char *text, unsigned how, const struct json *data)
{
	struct gotemplate_options options = {
		.data = how & 1 ? data : NULL, .strict_fields = how & 2, .keep_fields = how & 4};
	CLEANUP(text_clear) struct text out = {0};
	struct error err;

	text_add(&out, "before");
	int result = gotemplate_render(text, &options, &out, &err);
	FUZZ_CHECK(strncmp(text_get(&out), "before", 6) == 0);
	FUZZ_CHECK(result == 0 || out.size == 6);
	FUZZ_CHECK(result == 0 || *err.text);
	FUZZ_CHECK(out.size <= 6 + GOTEMPLATE_OUTPUT_MOST + strlen(text));
}

static void render_packer(const char *text, unsigned how, const struct map *values)
{
	CLEANUP(strings_clear) struct strings variables = {0}, environment = {0};
	CLEANUP(text_clear) struct text out = {0}, again = {0};
	struct error err;
	struct interpolation context = {.values = values,
		.solving = how & 1,
		.live = how & 2,
		.keep_fields = how & 4,
		.build_data = how & 8,
		.build_name = "web",
		.build_type = how & 16 ? "amazon-ebs" : "googlecompute",
		.template_folder = "/images",
		.working_folder = "/work",
		.now_usec = 1577934245678901,
		.get_environment = get_environment};

	int found = interpolation_find_uses(&context, text, &variables, &environment, &err);
	int result = interpolation_render(&context, text, &out, &err);
	/* what parses for the one parses for the other */
	FUZZ_CHECK(result < 0 || found == 0);
	/* what is kept for a closure renders in the build to whatever it does, but does not break the reader */
	if (result == 0)
		interpolation_render(&context, text_get(&out), &again, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct json *object;
	static struct map values;
	struct error err;

	if (!object) {
		static const char text[] = "{\"A\":{\"B\":\"text\"},\"L\":[1,2.5,\"x\"],\"N\":null,"
					   "\"T\":true,\"ID\":\"7\"}";
		json_parse_bytes(text, sizeof(text) - 1, &object, &err);
		map_set(&values, "a", (char *)(uintptr_t) "value of a");
		map_set(&values, "b", (char *)(uintptr_t) "{{user `a`}}");
	}
	if (size < 1)
		return 0;
	autofree char *text = memory_copy_bytes(data + 1, size - 1);
	render_plain(text, data[0] >> 5, object);
	render_packer(text, data[0], &values);
	return 0;
}
