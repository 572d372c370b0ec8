/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/template/fix.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/strings.h"
#include "reconciler/template/fix_rule.h"
#include "tests/unit/check.h"

/* TEXT fixed and written on one line; or what is wrong with it. The caller frees. */
static char *fixed(const char *text)
{
	CLEANUP(text_clear) struct text out = {0};
	autojson struct json *root = NULL;
	struct error err;

	if (fix_template("t.json", text, strlen(text), &out, &err) < 0)
		return memory_copy_text(err.text);
	if (json_parse_bytes(out.data, out.size, &root, &err) < 0)
		return memory_copy_text(err.text);
	return json_to_line(root);
}

/* Each fixer on the smallest thing it changes: what is before and after, of a builder, provisioner or post-processor. */
static const struct {
	const char *fixer;
	enum fix_where where;
	const char *before, *after;
} cases[] = {
	{"iso-md5", FIX_BUILDERS, "\"type\":\"x\",\"iso_md5\":\"ab\"",
		"\"iso_checksum\":\"md5:ab\",\"type\":\"x\""},
	{"iso-md5", FIX_BUILDERS, "\"type\":\"x\",\"iso_md5\":1", "\"iso_md5\":1,\"type\":\"x\""},
	{"createtime", FIX_BUILDERS,
		"\"type\":\"x\",\"ami_name\":\"a{{ .CreateTime\\n}}{{.CreateTim}}\"",
		"\"ami_name\":\"a{{timestamp}}{{.CreateTim}}\",\"type\":\"x\""},
	{"virtualbox-gaattach", FIX_BUILDERS,
		"\"type\":\"virtualbox\",\"guest_additions_attach\":false",
		"\"guest_additions_mode\":\"upload\",\"type\":\"virtualbox-iso\""},
	{"pp-vagrant-override", FIX_POST_PROCESSORS,
		"\"type\":\"vagrant\",\"aws\":{\"a\":1},\"vmware\":2",
		"\"override\":{\"aws\":{\"a\":1},\"vmware\":2},\"type\":\"vagrant\""},
	{"virtualbox-rename", FIX_PROVISIONERS,
		"\"type\":\"x\",\"override\":{\"virtualbox\":{\"a\":1}}",
		"\"override\":{\"virtualbox-iso\":{\"a\":1}},\"type\":\"x\""},
	{"vmware-rename", FIX_BUILDERS, "\"type\":\"vmware\"", "\"type\":\"vmware-iso\""},
	{"parallels-headless", FIX_BUILDERS, "\"type\":\"parallels-pvm\",\"headless\":true",
		"\"type\":\"parallels-pvm\""},
	{"parallels-headless", FIX_BUILDERS, "\"type\":\"qemu\",\"headless\":true",
		"\"headless\":true,\"type\":\"qemu\""},
	{"parallels-deprecations", FIX_BUILDERS,
		"\"type\":\"parallels-iso\",\"parallels_tools_host_path\":1,"
		"\"guest_os_distribution\":\"a\",\"guest_os_type\":\"b\"",
		"\"guest_os_type\":\"a\",\"type\":\"parallels-iso\""},
	{"sshkeypath", FIX_BUILDERS,
		"\"type\":\"x\",\"ssh_key_path\":\"a\",\"ssh_private_key_file\":\"b\"",
		"\"ssh_private_key_file\":\"b\",\"type\":\"x\""},
	{"sshdisableagent", FIX_BUILDERS, "\"type\":\"x\",\"ssh_disable_agent\":true",
		"\"ssh_disable_agent_forwarding\":true,\"type\":\"x\""},
	{"sshdisableagent", FIX_BUILDERS, "\"type\":\"x\",\"ssh_disable_agent\":\"true\"",
		"\"ssh_disable_agent\":\"true\",\"type\":\"x\""},
	{"scaleway-access-key", FIX_BUILDERS, "\"type\":\"scaleway\",\"access_key\":\"a\"",
		"\"organization_id\":\"a\",\"type\":\"scaleway\""},
	{"manifest-filename", FIX_POST_PROCESSORS,
		"\"type\":\"manifest\",\"filename\":\"a\",\"output\":\"b\"",
		"\"output\":\"a\",\"type\":\"manifest\""},
	{"amazon-shutdown_behavior", FIX_BUILDERS,
		"\"type\":\"amazon-x\",\"shutdown_behaviour\":\"stop\"",
		"\"shutdown_behavior\":\"stop\",\"type\":\"amazon-x\""},
	{"amazon-enhanced-networking", FIX_BUILDERS,
		"\"type\":\"amazon-ebs\",\"enhanced_networking\":true",
		"\"ena_support\":true,\"type\":\"amazon-ebs\""},
	{"amazon-private-ip", FIX_BUILDERS, "\"type\":\"amazon-ebs\",\"ssh_private_ip\":\"T\"",
		"\"ssh_interface\":\"private_ip\",\"type\":\"amazon-ebs\""},
	{"amazon-private-ip", FIX_BUILDERS, "\"type\":\"amazon-ebs\",\"ssh_private_ip\":false",
		"\"ssh_interface\":\"public_ip\",\"type\":\"amazon-ebs\""},
	{"amazon-temp-sec-cidrs", FIX_BUILDERS,
		"\"type\":\"amazon-ebs\",\"temporary_security_group_source_cidr\":\"a\"",
		"\"temporary_security_group_source_cidrs\":[\"a\"],\"type\":\"amazon-ebs\""},
	{"docker-email", FIX_POST_PROCESSORS, "\"type\":\"x\",\"login_email\":\"a\"",
		"\"type\":\"x\""},
	{"docker-tag-tags", FIX_POST_PROCESSORS,
		"\"type\":\"docker-tag\",\"tag\":\"a, b\",\"tags\":[\"b\",\" c\"]",
		"\"tags\":[\"a\",\"b\",\" c\"],\"type\":\"docker-tag\""},
	{"docker-tag-tags", FIX_POST_PROCESSORS, "\"type\":\"docker-tag\"",
		"\"tags\":[],\"type\":\"docker-tag\""},
	{"powershell-escapes", FIX_PROVISIONERS,
		"\"type\":\"powershell\",\"elevated_user\":\"`$a``b`c\",\"environment_vars\":[\"A=`"
		"'\",null]",
		"\"elevated_user\":\"$a`b`c\",\"environment_vars\":[\"A='\",\"\"],\"type\":"
		"\"powershell\""},
	{"powershell-escapes", FIX_PROVISIONERS,
		"\"type\":\"powershell\",\"elevated_user\":\"`$\",\"environment_vars\":[1]",
		"\"elevated_user\":\"`$\",\"environment_vars\":[1],\"type\":\"powershell\""},
	{"vmware-compaction", FIX_BUILDERS, "\"type\":\"vmware-iso\",\"remote_type\":\"esx5\"",
		"\"disk_type_id\":\"zeroedthick\",\"remote_type\":\"esx5\","
		"\"skip_compaction\":true,\"type\":\"vmware-iso\""},
	{"vmware-compaction", FIX_BUILDERS,
		"\"type\":\"vmware-iso\",\"remote_type\":\"esx5\",\"disk_type_id\":\"thin\"",
		"\"disk_type_id\":\"thin\",\"remote_type\":\"esx5\",\"type\":\"vmware-iso\""},
	{"hyperv-deprecations", FIX_BUILDERS, "\"type\":\"hyperv-iso\",\"vhd_temp_path\":\"a\"",
		"\"type\":\"hyperv-iso\""},
	{"hyperv-vmxc-typo", FIX_BUILDERS,
		"\"type\":\"hyperv-vmcx\",\"clone_from_vmxc_path\":\"a\"",
		"\"clone_from_vmcx_path\":\"a\",\"type\":\"hyperv-vmcx\""},
	{"hyperv-cpu-and-ram", FIX_BUILDERS, "\"type\":\"hyperv-iso\",\"cpu\":2,\"ram_size\":512",
		"\"cpus\":2,\"memory\":512,\"type\":\"hyperv-iso\""},
	{"clean-image-name", FIX_BUILDERS,
		"\"type\":\"x\",\"n\":\"{{clean_ami_name "
		"`a`}}\",\"image_labels\":{\"l\":\"clean_image_name\"}",
		"\"image_labels\":{\"l\":\"clean_resource_name\"},"
		"\"n\":\"{{clean_resource_name `a`}}\",\"type\":\"x\""},
	{"spot-price-auto-product", FIX_BUILDERS,
		"\"type\":\"amazon-ebs\",\"spot_price_auto_product\":\"Linux/UNIX\"",
		"\"type\":\"amazon-ebs\""},
	{"qemu-disk-size", FIX_BUILDERS, "\"type\":\"qemu\",\"disk_size\":1024.9",
		"\"disk_size\":\"1024M\",\"type\":\"qemu\""},
	{"galaxy-command", FIX_PROVISIONERS, "\"type\":\"ansible-local\",\"galaxycommand\":\"a\"",
		"\"galaxy_command\":\"a\",\"type\":\"ansible-local\""},
	{"comm-config", FIX_BUILDERS,
		"\"type\":\"virtualbox-ovf\",\"ssh_host_port_min\":1,\"host_port_min\":2,"
		"\"ssh_host_port_max\":3,\"ssh_skip_nat_mapping\":true",
		"\"host_port_max\":3,\"host_port_min\":2,\"skip_nat_mapping\":true,"
		"\"type\":\"virtualbox-ovf\""},
	{"comm-config", FIX_BUILDERS,
		"\"type\":\"virtualbox-ovf\",\"ssh_skip_nat_mapping\":\"true\"",
		"\"ssh_skip_nat_mapping\":\"true\",\"type\":\"virtualbox-ovf\""},
	{"ssh-wait-timeout", FIX_BUILDERS,
		"\"type\":\"x\",\"ssh_wait_timeout\":5,\"ssh_timeout\":\"1m\"",
		"\"ssh_timeout\":\"1m\",\"type\":\"x\""},
	{"vsphere-iso-net-disk", FIX_BUILDERS,
		"\"type\":\"vsphere-iso\",\"network\":\"n\",\"networkCard\":\"c\","
		"\"network_adapters\":[{\"a\":1}],\"disk_size\":5",
		"\"network_adapters\":[{\"network\":\"n\",\"network_card\":\"c\"},{\"a\":1}],"
		"\"storage\":[{\"disk_size\":5}],\"type\":\"vsphere-iso\""},
	{"iso-checksum-type-and-url", FIX_BUILDERS,
		"\"type\":\"x\",\"iso_checksum_type\":\"sha1\",\"iso_checksum_url\":\"u\",\"iso_"
		"checksum\":\"c\"",
		"\"iso_checksum\":\"file:u\",\"type\":\"x\""},
	{"iso-checksum-type-and-url", FIX_BUILDERS,
		"\"type\":\"x\",\"iso_checksum_type\":\"none\",\"iso_checksum\":\"\"",
		"\"iso_checksum\":\"\",\"type\":\"x\""},
	{"qemu-host-port", FIX_BUILDERS,
		"\"type\":\"qemu\",\"ssh_host_port_min\":1,\"host_port_min\":2",
		"\"host_port_min\":1,\"type\":\"qemu\""},
	{"azure-exclude_from_latest", FIX_BUILDERS,
		"\"type\":\"azure-chroot\",\"shared_image_destination\":{\"exlude_from_latest\":"
		"true}",
		"\"shared_image_destination\":{\"exclude_from_latest\":true},\"type\":\"azure-"
		"chroot\""},
	{"proxmox-type", FIX_BUILDERS, "\"type\":\"proxmox\"", "\"type\":\"proxmox-iso\""},
};

static void fixers_fix(void)
{
	static const char *const forms[] = {[FIX_BUILDERS] = "{\"builders\":[{%s}]}",
		[FIX_PROVISIONERS] = "{\"builders\":null,\"provisioners\":[{%s}]}",
		[FIX_POST_PROCESSORS] = "{\"builders\":null,\"post-processors\":[[{%s}]]}"};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		autofree char *before = memory_printf(forms[cases[i].where], cases[i].before);
		autofree char *after = memory_printf(forms[cases[i].where], cases[i].after);
#pragma GCC diagnostic pop
		autofree char *got = fixed(before);
		CHECK_TEXT(got, after, "%s: %s", cases[i].fixer, cases[i].before);
	}
	for (const struct fix_rule *rule = fix_rules; rule->name; rule++) {
		bool found = false;
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
			found |= strcmp(cases[i].fixer, rule->name) == 0;
		CHECK(found && rule->help, "%s has help and a test", rule->name);
	}
}

static void reads_as_packer(void)
{
	static const char *const cases_of_text[][2] = {
		{"{\"builders\":[],\"a\":1,\"a\":2} tail", "{\"a\":2,\"builders\":[]}"},
		{"{}", "{\"builders\":null}"},
		{"{\"BUILDERS\":[{\"type\":\"vmware\"}]}",
			"{\"builders\":[{\"type\":\"vmware-iso\"}]}"},
		{"{\"provisioners\":{\"type\":\"x\"}}",
			"{\"builders\":null,\"provisioners\":[{\"type\":\"x\"}]}"},
		{"{\"provisioners\":{}}", "{\"builders\":null,\"provisioners\":{}}"},
		{"{\"builders\":[{\"type\":\"x\",\"login_email\":\"a\"}]}",
			"{\"builders\":[{\"login_email\":\"a\",\"type\":\"x\"}]}"},
		{"{\"post-processors\":[\"vagrant\",null]}",
			"{\"builders\":null,\"post-processors\":[\"vagrant\",null]}"},
	};

	for (size_t i = 0; i < sizeof(cases_of_text) / sizeof(*cases_of_text); i++) {
		autofree char *got = fixed(cases_of_text[i][0]);
		CHECK_TEXT(got, cases_of_text[i][1], "%s", cases_of_text[i][0]);
	}
}

static void refuses(void)
{
	static const char *const cases_of_text[][2] = {
		{"", "t.json:1:1: the text ends where a value was expected"},
		{"[]", "t.json:1:1: a template is an object, not a list"},
		{"null", "t.json:1:1: a template is an object, not null"},
		{"{\"builders\":{}}", "t.json:1:2: builders must be a list, not an object"},
		{"{\"builders\":[null]}", "t.json:1:13: builder 1 is null, not an object"},
		{"{\"builders\":[\n {\"name\":\"x\"}]}",
			"t.json:2:2: builder 1 has no type that is text"},
		{"{\"Builders\":[],\"builders\":[]}",
			"t.json:1:16: \"Builders\" and \"builders\" are the same key: keep one"},
		{"{\"post-processors\":\"vagrant\"}",
			"t.json:1:2: post-processors must be a list, not text"},
		{"{\"builders\":[{\"type\":\"amazon-ebs\",\"ssh_private_ip\":\"no\"}]}",
			"t.json:1:35: ssh_private_ip must be true or false"},
		{"{\"builders\":[{\"type\":\"x\",\"image_labels\":[]}]}",
			"t.json:1:26: image_labels must be an object of texts, not a list"},
		{"{\"builders\":[{\"type\":\"vsphere-iso\",\"network\":1,\"network_adapters\":null}"
		 "]}",
			"t.json:1:48: network_adapters must be a list, not null"},
		{"{\"provisioners\":[{\"type\":\"powershell\",\"elevated_user\":null}]}",
			"t.json:1:39: elevated_user must be text"},
		{"{\"provisioners\":[{\"override\":\"x\"}]}",
			"t.json:1:19: override must be an object: builder name to options"},
		{"{\"post-processors\":[{\"type\":\"docker-tag\",\"tag\":[1]}]}",
			"t.json:1:42: tag must be a list of texts"},
	};

	for (size_t i = 0; i < sizeof(cases_of_text) / sizeof(*cases_of_text); i++) {
		autofree char *got = fixed(cases_of_text[i][0]);
		CHECK_TEXT(got, cases_of_text[i][1], "refused: %s", cases_of_text[i][0]);
	}
}

static void writes_as_go(void)
{
	static const char text[] =
		"{\"builders\":[],\"t\":\"<&>\\u2028\\b\\u007f\\t\\/\\\\u003c\\u00e9\",\"o\":{},"
		"\"n\":[0,-0,1e21,1e20,1e-7,0.000001,123456789012345678901,9007199254740993,1.50,-"
		"2]}";
	static const char wanted[] =
		"{\n  \"builders\": [],\n  \"n\": [\n    0,\n    -0,\n    1e+21,\n    "
		"100000000000000000000,\n    1e-7,\n    0.000001,\n    123456789012345680000,\n    "
		"9007199254740992,\n    1.5,\n    -2\n  ],\n  \"o\": {},\n  \"t\": "
		"\"<\\u0026>\\u2028\\u0008\x7f\\t/\\\\u003c\xC3\xA9\"\n}\n";
	CLEANUP(text_clear) struct text out = {0};
	struct error err;

	fix_template("t.json", text, strlen(text), &out, &err);
	CHECK_TEXT(
		text_get(&out), wanted, "numbers, escapes and empty lists are as Go writes them");
}

static void checks(void)
{
	static const char good[] =
		"{\"builders\":[{\"type\":\"null\"}],\"min_packer_version\":\"9.9.9\"}";
	static const char bad[] =
		"{\"min_packer_version\":\"x\",\"builders\":[{\"type\":\"null\"}],\"nonsense\":1}";
	CLEANUP(text_clear) struct text out = {0};
	struct error err;

	fix_template("t.json", good, strlen(good), &out, &err);
	CHECK_NUMBER(fix_check("t.json", &out, &err), 0, "the version of Packer does not count");
	text_reset(&out);
	fix_template("t.json", bad, strlen(bad), &out, &err);
	CHECK_NUMBER(fix_check("t.json", &out, &err), -1, "an unknown key is no template");
	CHECK_TEXT(err.text, "t.json (fixed):8:3: unknown key \"nonsense\"",
		"it is said where in what was written");
}

int main(void)
{
	fixers_fix();
	reads_as_packer();
	refuses();
	writes_as_go();
	checks();
	return check_done();
}
