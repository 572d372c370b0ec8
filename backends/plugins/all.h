/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Every plugin that has a table; registry.c lists them. */

#include "backends/plugin.h"

extern const struct plugin plugin_builder_amazon_chroot;
extern const struct plugin plugin_builder_amazon_ebs;
extern const struct plugin plugin_builder_amazon_ebssurrogate;
extern const struct plugin plugin_builder_amazon_instance;
extern const struct plugin plugin_builder_azure_arm;
extern const struct plugin plugin_builder_cloudstack;
extern const struct plugin plugin_builder_digitalocean;
extern const struct plugin plugin_builder_docker;
extern const struct plugin plugin_builder_file;
extern const struct plugin plugin_builder_googlecompute;
extern const struct plugin plugin_builder_hcloud;
extern const struct plugin plugin_builder_hyperv_iso;
extern const struct plugin plugin_builder_hyperv_vmcx;
extern const struct plugin plugin_builder_lxc;
extern const struct plugin plugin_builder_lxd;
extern const struct plugin plugin_builder_null;
extern const struct plugin plugin_builder_openstack;
extern const struct plugin plugin_builder_parallels_iso;
extern const struct plugin plugin_builder_parallels_pvm;
extern const struct plugin plugin_builder_proxmox;
extern const struct plugin plugin_builder_proxmox_iso;
extern const struct plugin plugin_builder_proxmox_clone;
extern const struct plugin plugin_builder_qemu;
extern const struct plugin plugin_builder_rootfs;
extern const struct plugin plugin_builder_vagrant;
extern const struct plugin plugin_builder_virtualbox_iso;
extern const struct plugin plugin_builder_virtualbox_ovf;
extern const struct plugin plugin_builder_virtualbox_vm;
extern const struct plugin plugin_builder_vmware_iso;
extern const struct plugin plugin_builder_vmware_vmx;
extern const struct plugin plugin_builder_vsphere_clone;
extern const struct plugin plugin_builder_vsphere_iso;
extern const struct plugin plugin_provisioner_ansible;
extern const struct plugin plugin_provisioner_ansible_local;
extern const struct plugin plugin_provisioner_breakpoint;
extern const struct plugin plugin_provisioner_chef_client;
extern const struct plugin plugin_provisioner_chef_solo;
extern const struct plugin plugin_provisioner_converge;
extern const struct plugin plugin_provisioner_file;
extern const struct plugin plugin_provisioner_inspec;
extern const struct plugin plugin_provisioner_powershell;
extern const struct plugin plugin_provisioner_puppet_masterless;
extern const struct plugin plugin_provisioner_puppet_server;
extern const struct plugin plugin_provisioner_salt_masterless;
extern const struct plugin plugin_provisioner_shell;
extern const struct plugin plugin_provisioner_shell_local;
extern const struct plugin plugin_provisioner_sleep;
extern const struct plugin plugin_provisioner_windows_restart;
extern const struct plugin plugin_provisioner_windows_shell;
extern const struct plugin plugin_post_processor_amazon_import;
extern const struct plugin plugin_post_processor_artifice;
extern const struct plugin plugin_post_processor_checksum;
extern const struct plugin plugin_post_processor_compress;
extern const struct plugin plugin_post_processor_digitalocean_import;
extern const struct plugin plugin_post_processor_docker_import;
extern const struct plugin plugin_post_processor_docker_push;
extern const struct plugin plugin_post_processor_docker_save;
extern const struct plugin plugin_post_processor_docker_tag;
extern const struct plugin plugin_post_processor_googlecompute_export;
extern const struct plugin plugin_post_processor_googlecompute_import;
extern const struct plugin plugin_post_processor_manifest;
extern const struct plugin plugin_post_processor_shell_local;
extern const struct plugin plugin_post_processor_vagrant;
extern const struct plugin plugin_post_processor_vagrant_cloud;
extern const struct plugin plugin_post_processor_vsphere;
extern const struct plugin plugin_post_processor_vsphere_template;
