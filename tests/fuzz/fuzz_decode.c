/* SPDX-License-Identifier: Apache-2.0 */
/* Any JSON value as an option of any type: the first byte chooses the type. */
#include "reconciler/template/decode.h"

#include "tests/fuzz/fuzz.h"

/* Numbers are doubles on their way in: above 2^53 they change. */
static bool is_exact(const struct json *value)
{
	int64_t number = json_integer(value, 0), most = (int64_t)1 << 53;
	bool exact = number >= -most && number <= most;

	for (size_t i = 0; json_kind(value) == JSON_LIST && i < json_count(value); i++)
		exact = exact && is_exact(json_item(value, i));
	return exact;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autojson struct json *value = NULL, *result = NULL, *again = NULL;
	struct error err;

	if (size < 1)
		return 0;
	enum option_type type = data[0] % OPTION_TYPE_COUNT;
	if (json_parse_bytes((const char *)data + 1, size - 1, &value, &err) < 0)
		return 0;
	if (decode_value(type, value, &result, &err) < 0) {
		FUZZ_CHECK(*err.text);
		return 0;
	}
	/* what fits stays as it is */
	if (type != OPTION_BLOCK && type != OPTION_BLOCKS && is_exact(result)) {
		FUZZ_CHECK(decode_value(type, result, &again, &err) == 0);
		FUZZ_CHECK(json_equal(result, again));
	}
	return 0;
}
