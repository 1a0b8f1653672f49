//! Users of a directory, as the settings of django-auth-ldap: text, numbers and lists. `service/settings/ldap.py` makes the objects that
//! it wants from them.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use reconcile::{
    Fault,
    field::{self, Secrets},
};
use serde_json::{Value, json};

use crate::crd::{Ldap, LdapGroupType, LdapGroups, LdapScope, Settings};

/// Where its authority lies in a pod.
const CA: &str = "/etc/pulp/ldap-ca/ca.crt";
/// What stands for the name at log in.
const USER: &str = "%(user)s";

/// The settings.
pub fn settings(ldap: &Ldap, seen: &Secrets, faults: &mut Vec<Fault>) -> Settings {
    let mut settings = Settings::new();
    let mut set = |name: &str, value: Value| {
        settings.insert(format!("AUTH_LDAP_{name}"), value);
    };
    set("SERVER_URI", ldap.servers.join(" ").into());
    set("START_TLS", ldap.start_tls.into());
    if let Some(bind) = &ldap.bind {
        let at = &bind.password;
        let field = "spec.authentication.ldap.bind.password";
        set("BIND_DN", bind.dn.clone().into());
        set("BIND_PASSWORD", field::value(field, &at.name, &at.key, seen, faults).into());
    }
    if let Some(ca) = &ldap.ca {
        let field = "spec.authentication.ldap.ca";
        field::certificates(field, &ca.value(field, seen, faults), faults);
    }
    let users = &ldap.users;
    for (place, search) in users.search.iter().enumerate() {
        let field = format!("spec.authentication.ldap.users.search[{place}].filter");
        filter(&field, &search.filter, true, faults);
    }
    let search: Vec<_> = users.search.iter().map(|at| json!([at.base, at.scope.name(), at.filter])).collect();
    set("USER_SEARCH", search.into());
    if let Some(template) = &users.dn_template {
        if !template.contains(USER) || template.replace(USER, "").replace("%%", "").contains('%') {
            faults.push(Fault::new(
                "Invalid",
                format!(
                    "spec.authentication.ldap.users.dnTemplate: needs {USER} where the name at log in stands, and any other % doubled"
                ),
            ));
        }
        set("USER_DN_TEMPLATE", template.clone().into());
    }
    set("USER_ATTR_MAP", json!(users.attributes));
    set("ALWAYS_UPDATE_USER", users.always_update.into());
    set("NO_NEW_USERS", (!users.create).into());
    set("BIND_AS_AUTHENTICATING_USER", users.bind_as_user.into());
    set("CACHE_TIMEOUT", ldap.cache_seconds.into());
    set("CONNECTION_OPTIONS", options(ldap, faults));
    // Named even where there are none, so that no setting of the user's stands in for them.
    let (mut search, mut type_, mut require) = (json!([]), Value::Null, json!([[], [], []]));
    if let Some(groups) = &ldap.groups {
        for (place, search) in groups.search.iter().enumerate() {
            let field = format!("spec.authentication.ldap.groups.search[{place}].filter");
            filter(&field, &search.filter, false, faults);
        }
        search = groups.search.iter().map(|at| json!([at.base, at.scope.name(), at.filter])).collect();
        type_ = group_type(groups);
        require = json!([groups.require.any_of, groups.require.all_of, groups.deny]);
        let flags = &groups.flags;
        let flags =
            [("is_superuser", &flags.superuser), ("is_staff", &flags.staff), ("is_active", &flags.active)];
        let flags = flags.into_iter().filter(|(_, groups)| !groups.is_empty());
        set("USER_FLAGS_BY_GROUP", flags.map(|(flag, groups)| (flag.to_owned(), json!(groups))).collect());
        set("FIND_GROUP_PERMS", groups.permissions.into());
        if let Some(mirror) = &groups.mirror {
            match (&mirror.only[..], &mirror.except[..]) {
                ([], []) => set("MIRROR_GROUPS", mirror.all.into()),
                ([], except) => set("MIRROR_GROUPS_EXCEPT", json!(except)),
                (only, _) => set("MIRROR_GROUPS", json!(only)),
            }
        }
    }
    set("GROUP_SEARCH", search);
    set("GROUP_TYPE", type_);
    set("REQUIRE_GROUP", require);
    settings
}

/// Class and arguments.
fn group_type(groups: &LdapGroups) -> Value {
    use LdapGroupType as Type;
    let class = match groups.type_ {
        Type::GroupOfNames => "GroupOfNamesType",
        Type::NestedGroupOfNames => "NestedGroupOfNamesType",
        Type::GroupOfUniqueNames => "GroupOfUniqueNamesType",
        Type::NestedGroupOfUniqueNames => "NestedGroupOfUniqueNamesType",
        Type::PosixGroup => "PosixGroupType",
        Type::ActiveDirectory => "ActiveDirectoryGroupType",
        Type::NestedActiveDirectory => "NestedActiveDirectoryGroupType",
        Type::OrganizationalRole => "OrganizationalRoleGroupType",
        Type::NestedOrganizationalRole => "NestedOrganizationalRoleGroupType",
        Type::Member => "MemberDNGroupType",
        Type::NestedMember => "NestedMemberDNGroupType",
    };
    let mut arguments = json!({ "name_attr": groups.name_attribute });
    if let Some(attribute) = &groups.member_attribute {
        arguments["member_attr"] = attribute.clone().into();
    }
    json!([class, arguments])
}

/// Name and value of each, in the order in which they are set.
fn options(ldap: &Ldap, faults: &mut Vec<Fault>) -> Value {
    let connection = &ldap.connection;
    let mut options = vec![
        json!(["OPT_NETWORK_TIMEOUT", connection.network_timeout_seconds]),
        json!(["OPT_TIMEOUT", connection.timeout_seconds]),
        json!(["OPT_REFERRALS", i32::from(connection.follow_referrals)]),
    ];
    if ldap.ca.is_some() {
        options.push(json!(["OPT_X_TLS_CACERTFILE", CA]));
    }
    for (name, value) in &connection.options {
        let known = name.starts_with("OPT_")
            && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        if !known {
            let what = format!("\"{name}\" is no option; they are called as in python-ldap, OPT_DEBUG_LEVEL");
            faults
                .push(Fault::new("Invalid", format!("spec.authentication.ldap.connection.options: {what}")));
        }
        options.push(match value {
            IntOrString::Int(number) => json!([name, number]),
            IntOrString::String(text) => json!([name, text]),
        });
    }
    // What was said of TLS counts from here on, so it is the last.
    options.push(json!(["OPT_X_TLS_NEWCTX", 0]));
    options.into()
}

/// What LDAP would only refuse at log in.
fn filter(field: &str, filter: &str, of_users: bool, faults: &mut Vec<Fault>) {
    let mut fault = |what: &str| faults.push(Fault::new("Invalid", format!("{field}: {what}")));
    let depth = filter.chars().try_fold(0_u32, |depth, c| match c {
        '(' => Some(depth + 1),
        ')' => depth.checked_sub(1),
        _ => Some(depth),
    });
    if !filter.starts_with('(') || !filter.ends_with(')') || depth != Some(0) {
        fault("its parentheses do not match; a filter is for example (&(objectClass=person)(uid=%(user)s))");
    }
    if of_users && !filter.contains(USER) {
        fault("needs %(user)s where the name at log in stands, as in (uid=%(user)s)");
    }
    let rest = if of_users { filter.replace(USER, "") } else { filter.to_owned() };
    if rest.replace("%%", "").contains('%') {
        fault("a % that is only a % must be doubled");
    }
}

impl LdapScope {
    /// As python-ldap calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Subtree => "SCOPE_SUBTREE",
            Self::OneLevel => "SCOPE_ONELEVEL",
            Self::Base => "SCOPE_BASE",
        }
    }
}
