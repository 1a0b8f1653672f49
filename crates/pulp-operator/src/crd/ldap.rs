//! Users of a directory.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::KubeSchema;
use reconcile::field::SecretKey;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PasswordKey;

/// Users of a directory.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.insecure || self.startTls || self.servers.all(server, server.startsWith('ldaps://'))").message("spec.authentication.ldap: passwords would cross the network in clear; use ldaps://, or set startTls, or say insecure: true"))]
#[x_kube(validation = Rule::new("!self.startTls || self.servers.all(server, server.startsWith('ldap://'))").message("spec.authentication.ldap.startTls: only with ldap://, as ldaps:// is TLS from the first byte"))]
pub struct Ldap {
    /// URLs of the servers, for example `ldaps://ldap.example.com`; where one does not answer, the next is asked.
    #[schemars(length(min = 1, max = 10), inner(length(max = 512), regex(pattern = "^ldaps?://[^/ ]+/?$")))]
    pub servers: Vec<String>,
    /// Whether a connection to `ldap://` becomes TLS before anything is said.
    #[serde(default)]
    pub start_tls: bool,
    /// Passwords may cross the network in clear.
    #[serde(default)]
    pub insecure: bool,
    /// Certificate authority of the servers; those of the image and of `spec.trustedCertificates` if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<SecretKey>,
    /// As whom Pulp looks for users and groups; as nobody if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind: Option<LdapBind>,
    /// Who its users are.
    pub users: LdapUsers,
    /// What groups they are in, and what that means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<LdapGroups>,
    /// How long names and groups of a user are believed without asking again (s). Passwords are never kept.
    #[serde(default)]
    #[schemars(range(min = 0, max = 86_400))]
    pub cache_seconds: i32,
    /// How it is spoken to.
    #[serde(default)]
    pub connection: LdapConnection,
}

/// As whom Pulp looks for users and groups.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct LdapBind {
    /// Distinguished name.
    #[schemars(length(min = 1, max = 1024))]
    pub dn: String,
    /// Where the password is.
    pub password: PasswordKey,
}

/// Who the users of a directory are.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.dnTemplate) != (self.search.size() > 0)").message("spec.authentication.ldap.users: give either search or dnTemplate"))]
pub struct LdapUsers {
    /// Where they are looked for; found in several places, all are meant.
    #[serde(default)]
    #[schemars(length(max = 20))]
    pub search: Vec<LdapUserSearch>,
    /// Their distinguished name, `%(user)s` being the name at log in: `uid=%(user)s,ou=people,dc=example,dc=com`. Nobody has to look
    /// for them then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub dn_template: Option<String>,
    /// What Pulp takes over: field of its user (`first_name`, `last_name`, `email`) and attribute in the directory.
    #[serde(default)]
    #[schemars(schema_with = "attributes")]
    pub attributes: BTreeMap<String, String>,
    /// Whether it is taken over at each log in, not only at the first.
    #[serde(default = "yes")]
    pub always_update: bool,
    /// Whether those whom Pulp does not know yet may log in.
    #[serde(default = "yes")]
    pub create: bool,
    /// Whether groups and attributes are read as the user who logs in, not as `bind`.
    #[serde(default)]
    pub bind_as_user: bool,
}

/// A place where users are looked for.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct LdapUserSearch {
    /// Distinguished name of the entry that it begins at.
    #[schemars(length(min = 1, max = 1024))]
    pub base: String,
    /// How far down.
    #[serde(default)]
    pub scope: LdapScope,
    /// What a user is, `%(user)s` being the name at log in.
    #[serde(default = "user_filter")]
    #[schemars(length(max = 2048))]
    pub filter: String,
}

/// A place where groups are looked for.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct LdapGroupSearch {
    /// Distinguished name of the entry that it begins at.
    #[schemars(length(min = 1, max = 1024))]
    pub base: String,
    /// How far down.
    #[serde(default)]
    pub scope: LdapScope,
    /// What a group is.
    #[serde(default = "any")]
    #[schemars(length(max = 2048))]
    pub filter: String,
}

/// How far down from an entry.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LdapScope {
    /// All that is below it, and itself.
    #[default]
    Subtree,
    /// What is right below it.
    OneLevel,
    /// Itself.
    Base,
}

/// What groups users are in, and what that means.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.memberAttribute) == (self.type in ['MemberDN', 'NestedMemberDN'])").message("spec.authentication.ldap.groups.memberAttribute: types MemberDN and NestedMemberDN need it, the others know theirs"))]
#[x_kube(validation = Rule::new("!has(self.mirror) || [self.mirror.all, self.mirror.only.size() > 0, self.mirror.except.size() > 0].filter(given, given).size() == 1").message("spec.authentication.ldap.groups.mirror: give one of all: true, only, except"))]
pub struct LdapGroups {
    /// Where they are looked for.
    #[schemars(length(min = 1, max = 20))]
    pub search: Vec<LdapGroupSearch>,
    /// What says who is in a group. The nested ones count groups in groups too, at the price of more questions.
    #[serde(default, rename = "type")]
    pub type_: LdapGroupType,
    /// Attribute of a group that holds the distinguished names of its members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub member_attribute: Option<String>,
    /// Attribute of a group that is its name.
    #[serde(default = "cn")]
    #[schemars(length(min = 1, max = 64))]
    pub name_attribute: String,
    /// Who may log in; everybody if nothing is said.
    #[serde(default)]
    pub require: LdapRequired,
    /// Who is in one of these groups may not log in, by distinguished name.
    #[serde(default)]
    #[schemars(length(max = 100), inner(length(min = 1, max = 1024)))]
    pub deny: Vec<String>,
    /// What users are in Pulp by their groups.
    #[serde(default)]
    pub flags: LdapFlags,
    /// Which of their groups become groups in Pulp, where roles can be given to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirror: Option<LdapMirror>,
    /// Whether users have what Django's permissions of groups of the same name in Pulp allow.
    #[serde(default)]
    pub permissions: bool,
}

/// What says who is in a group.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LdapGroupType {
    /// `groupOfNames`: attribute `member`.
    #[default]
    GroupOfNames,
    /// The same, groups in groups too.
    NestedGroupOfNames,
    /// `groupOfUniqueNames`: attribute `uniqueMember`.
    GroupOfUniqueNames,
    /// The same, groups in groups too.
    NestedGroupOfUniqueNames,
    /// `posixGroup`: attributes `memberUid`, and `gidNumber` of the user.
    PosixGroup,
    /// Groups of Active Directory.
    ActiveDirectory,
    /// The same, groups in groups too.
    NestedActiveDirectory,
    /// `organizationalRole`: attribute `roleOccupant`.
    OrganizationalRole,
    /// The same, roles in roles too.
    NestedOrganizationalRole,
    /// The attribute that `memberAttribute` names.
    #[serde(rename = "MemberDN")]
    Member,
    /// The same, groups in groups too.
    #[serde(rename = "NestedMemberDN")]
    NestedMember,
}

/// Groups that a user must be in, by distinguished name.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct LdapRequired {
    /// In one of these.
    #[serde(default)]
    #[schemars(length(max = 100), inner(length(min = 1, max = 1024)))]
    pub any_of: Vec<String>,
    /// In each of these.
    #[serde(default)]
    #[schemars(length(max = 100), inner(length(min = 1, max = 1024)))]
    pub all_of: Vec<String>,
}

/// What users are in Pulp by their groups, which are given by distinguished name. A flag without a group is not touched.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct LdapFlags {
    /// May do everything.
    #[serde(default, rename = "isSuperuser")]
    #[schemars(length(max = 100), inner(length(min = 1, max = 1024)))]
    pub superuser: Vec<String>,
    /// Belongs to the staff, in Django's sense.
    #[serde(default, rename = "isStaff")]
    #[schemars(length(max = 100), inner(length(min = 1, max = 1024)))]
    pub staff: Vec<String>,
    /// May log in.
    #[serde(default, rename = "isActive")]
    #[schemars(length(max = 100), inner(length(min = 1, max = 1024)))]
    pub active: Vec<String>,
}

/// Which groups become groups in Pulp.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct LdapMirror {
    /// All of them; a user is in no others.
    #[serde(default)]
    pub all: bool,
    /// Those with these names.
    #[serde(default)]
    #[schemars(length(max = 200), inner(length(min = 1, max = 150)))]
    pub only: Vec<String>,
    /// All but those with these names.
    #[serde(default)]
    #[schemars(length(max = 200), inner(length(min = 1, max = 150)))]
    pub except: Vec<String>,
}

/// How a directory is spoken to.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct LdapConnection {
    /// How long a server may take to be reached (s).
    #[serde(default = "five")]
    #[schemars(range(min = 1, max = 300))]
    pub network_timeout_seconds: i32,
    /// How long it may take to answer (s).
    #[serde(default = "twenty")]
    #[schemars(range(min = 1, max = 300))]
    pub timeout_seconds: i32,
    /// Whether Pulp goes where a server refers it to, as nobody; of no use with Active Directory.
    #[serde(default)]
    pub follow_referrals: bool,
    /// Further options, by the names that python-ldap has for them (`OPT_...`).
    #[serde(default)]
    #[schemars(schema_with = "options")]
    pub options: BTreeMap<String, IntOrString>,
}

impl Default for LdapConnection {
    fn default() -> Self {
        Self {
            network_timeout_seconds: five(),
            timeout_seconds: twenty(),
            follow_referrals: false,
            options: BTreeMap::new(),
        }
    }
}

fn attributes(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object", "maxProperties": 20, "default": {},
        "description": "What Pulp takes over: field of its user (`first_name`, `last_name`, `email`) and attribute in the directory.",
        "additionalProperties": { "type": "string", "minLength": 1, "maxLength": 128 },
    })
}

fn options(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object", "maxProperties": 50, "default": {},
        "description": "Further options, by the names that python-ldap has for them (`OPT_...`).",
        "additionalProperties": { "x-kubernetes-int-or-string": true, "maxLength": 1024 },
    })
}

fn yes() -> bool {
    true
}

fn user_filter() -> String {
    "(uid=%(user)s)".into()
}

fn any() -> String {
    "(objectClass=*)".into()
}

fn cn() -> String {
    "cn".into()
}

fn five() -> i32 {
    5
}

fn twenty() -> i32 {
    20
}
