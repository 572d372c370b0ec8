#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes a playbook tree in the current folder: what is called unused, other, elsewhere or README is not read.
set -e
put() { mkdir -p "$(dirname "$1")"; cat > "$1"; }
put ansible.cfg <<'X'
[defaults]
roles_path = shared_roles
host_key_checking = False
X
put ansible/site.yml <<'X'
- import_playbook: plays/first.yml
- hosts: all
  gather_facts: false
  vars:
    greeting: "{{ lookup('file', 'greeting.txt') }}"
    kind: web
  vars_files:
    - vars/main.yml
    - [missing.yml, vars/second.yml]
  pre_tasks:
    - include_vars: "{{ item }}"
      with_first_found: [nothere.yml, found.yml]
    - include_tasks: tasks/pre.yml
  roles:
    - common
    - {role: web, tags: [x]}
    - shared
  tasks:
    - import_tasks: tasks/static.yml
    - copy: {src: plain.txt, dest: "{{ out }}/plain.txt"}
    - copy: src={{ playbook_dir }}/abs.txt dest={{ out }}/abs.txt
    - copy: {src: "{{ item.name }}", dest: "{{ out }}/"}
      loop: [{name: loop1.txt}, {name: loop2.txt}]
    - script: scripts/run.sh one two
    - debug: {msg: "{{ greeting }} {{ grouped }} {{ hosted }}"}
    - include_role: {name: "included", tasks_from: other}
    - name: a block
      block:
        - template: {src: play.j2, dest: "{{ out }}/play"}
      rescue:
        - debug: {msg: failed}
    - copy: {src: "{{ item }}", dest: "{{ out }}/"}
      with_fileglob: globbed/*.conf
    - copy: {content: "{{ lookup('template', 'looked.j2') }}", dest: "{{ out }}/looked"}
    - fetch: {src: "{{ out }}/plain.txt", dest: "{{ out }}/fetched/"}
    - copy: {src: "{{ out }}/plain.txt", remote_src: true, dest: "{{ out }}/again"}
  handlers:
    - import_tasks: handlers.yml
X
put ansible/plays/first.yml <<'X'
- hosts: localhost
  gather_facts: false
  connection: local
  tasks:
    - include_tasks: sub/one.yml
    - debug: {msg: "{{ lookup('file', 'first.txt') }}"}
X
put ansible/plays/sub/one.yml <<'X'
- include_tasks: two.yml
X
put ansible/plays/sub/two.yml <<'X'
- debug: {msg: two}
X
echo first | put ansible/plays/files/first.txt
echo hello | put ansible/files/greeting.txt
echo 'out: "{{ outdir }}"' | put ansible/vars/main.yml
echo 'second: 2' | put ansible/vars/second.yml
echo 'found: 1' | put ansible/vars/found.yml
echo 'unused: 1' | put ansible/vars/unused.yml
echo '- debug: {msg: pre}' | put ansible/tasks/pre.yml
echo '- include_tasks: deep.yml' | put ansible/tasks/static.yml
echo '- debug: {msg: deep}' | put ansible/tasks/deep.yml
echo '- debug: {msg: unused}' | put ansible/tasks/unused.yml
echo '- {name: h, debug: {msg: h}}' | put ansible/handlers.yml
echo plain | put ansible/files/plain.txt
echo unused | put ansible/files/unused.txt
echo abs | put ansible/abs.txt
echo 1 | put ansible/files/loop1.txt
echo 2 | put ansible/loop2.txt
printf '#!/bin/sh\ntrue\n' | put ansible/files/scripts/run.sh
echo a | put ansible/files/globbed/a.conf
echo b | put ansible/files/globbed/b.txt
echo '{% include "part.j2" %} {{ lookup("file", "intemplate.txt") }}' | put ansible/templates/play.j2
echo part | put ansible/templates/part.j2
echo in | put ansible/files/intemplate.txt
echo looked | put ansible/templates/looked.j2
echo 'grouped: yes' | put ansible/group_vars/all.yml
echo 'x: yes' | put ansible/group_vars/web/a.yml
echo 'x: yes' | put ansible/group_vars/web/README.md
echo 'x: yes' | put ansible/group_vars/other.yml
echo 'hosted: yes' | put ansible/host_vars/default.yaml
echo 'hosted: yes' | put ansible/host_vars/elsewhere.yml
echo 'def x(a): return a
class FilterModule:
    def filters(self): return {"mine": x}' | put ansible/filter_plugins/mine.py
echo readme | put ansible/README.md
echo readme | put README.md
R=ansible/roles/common
put $R/tasks/main.yml <<'X'
- include_tasks: "{{ ansible_connection }}.yml"
- import_tasks: sub/inner.yml
- copy: {src: role.txt, dest: "{{ out }}/role.txt"}
- ansible.builtin.template: src=role.j2 dest={{ out }}/role.j2
- local_module: {}
- debug: {msg: "{{ 'a' | mine }}"}
  notify: changed
X
echo '- debug: {msg: ssh}' | put $R/tasks/ssh.yml
echo '- debug: {msg: local}' | put $R/tasks/local.yml
echo '- copy: {src: inner.txt, dest: "{{ out }}/inner.txt"}' | put $R/tasks/sub/inner.yml
echo inner | put $R/files/inner.txt
echo role | put $R/files/role.txt
echo unused | put $R/files/unused.txt
echo '{{ role_default }}{{ role_var }}' | put $R/templates/role.j2
echo unused | put $R/templates/unused.j2
echo 'role_default: 1' | put $R/defaults/main.yml
echo 'role_var: 1' | put $R/vars/main/one.yml
echo 'unused: 1' | put $R/vars/other.yml
echo '- {name: changed, debug: {msg: changed}}' | put $R/handlers/main.yml
echo 'dependencies: [{role: dependency}]' | put $R/meta/main.yml
echo readme | put $R/README.md
echo test | put $R/tests/test.yml
put $R/library/local_module.py <<'X'
from ansible.module_utils.basic import AnsibleModule
AnsibleModule(argument_spec={}).exit_json(changed=False)
X
echo '- copy: {src: dep.txt, dest: "{{ out }}/dep.txt"}' | put ansible/roles/dependency/tasks/main.yaml
echo dep | put ansible/roles/common/files/dep.txt
echo '- copy: {src: tree/, dest: "{{ out }}/tree/"}' | put ansible/roles/web/tasks/main.yml
echo t | put ansible/roles/web/files/tree/deep/t.txt
echo '- debug: {msg: shared}' | put shared_roles/shared/tasks/main.yml
echo '- debug: {msg: unused}' | put shared_roles/unused/tasks/main.yml
echo '- debug: {msg: other}' | put ansible/roles/included/tasks/other.yml
echo '- debug: {msg: main}' | put ansible/roles/included/tasks/main.yml
echo 'x: 1' | put ansible/roles/included/defaults/main.yml
echo 'extra: 1' | put extra.yml
echo secret | put vault-password
echo 'Host *' | put other/file
