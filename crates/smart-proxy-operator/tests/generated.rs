//! What is generated from this operator's lists is what is committed; `make generate` writes it.

use reconcile::{
    Managed,
    generate::{self, Entry, Example, Grants},
};
use smart_proxy_operator::{SmartProxy, check::IMAGES};

#[test]
fn generated_files_are_those_that_are_committed() {
    let entry = Entry {
        about: SmartProxy::ABOUT,
        title: "Foreman Smart Proxy",
        summary: "Runs Foreman Smart Proxies, registered in a Foreman",
        description: DESCRIPTION,
        keywords: &["foreman", "smart-proxy", "provisioning", "tftp", "dns", "dhcp"],
        categories: "Integration & Delivery,Networking",
        created: "2026-11-25T00:00:00Z",
        colour: "#3b7a57",
        images: IMAGES.map(|(part, image)| (part, image.to_owned())).into(),
        // Default ports of proxy, content and Foreman; one of the user's own has to be let pass by him.
        asks: vec![
            ("smart-proxy-operator", "proxy", 8443),
            ("smart-proxy-operator", "proxy", 9443),
            ("foreman-operator", "proxy", 8443),
        ],
        listens: None,
        grants: Grants::default(),
        serves: vec![],
        uses: vec![],
    };
    generate::check(&entry.serving::<SmartProxy>(vec![
        Example::of::<SmartProxy>(
            "minimal",
            "Templates and registration for the Foreman beside it; certificates and registration are made.",
            MINIMAL,
        ),
        Example::of::<SmartProxy>(
            "provisioning",
            "TFTP, HTTP boot, DNS and DHCP for a data centre, under a name of its own.",
            PROVISIONING,
        ),
        Example::of::<SmartProxy>("jobs", "Remote execution and Ansible, by SSH.", JOBS),
        Example::of::<SmartProxy>(
            "pull",
            "Remote execution for hosts that a broker tells of their jobs.",
            PULL,
        ),
        Example::of::<SmartProxy>(
            "bundle",
            "For a Foreman somewhere else, with the bundle that foremanctl made there.",
            BUNDLE,
        ),
        Example::of::<SmartProxy>(
            "elsewhere",
            "For a Foreman somewhere else, with certificates of your own.",
            ELSEWHERE,
        ),
    ]));
}

const DESCRIPTION: &str = "One manifest gives a [Foreman Smart Proxy](https://theforeman.org) with the features asked for, registered in a Foreman: \
    one beside it, whose authority issues the certificates, or any other. What of it runs and what does not, and why, is in its status; what is \
    deleted in Foreman by hand is registered again, and what is deleted here is taken out of Foreman.";

const MINIMAL: &str = "
apiVersion: app.theforeman.org/v1alpha1
kind: SmartProxy
metadata:
  name: proxy
  namespace: foreman
spec:
  foreman: {name: myforeman}
  modules:
    templates: {}
    registration: {}
";

const PROVISIONING: &str = "
apiVersion: app.theforeman.org/v1alpha1
kind: SmartProxy
metadata:
  name: datacentre
  namespace: foreman
spec:
  foreman: {name: myforeman}
  host: proxy.example.com
  service: {type: LoadBalancer}
  images:
    dnsmasq: registry.example.com/dnsmasq:2.90
  modules:
    templates: {}
    httpboot: {}
    tftp:
      serverName: 192.0.2.10
      daemon: Dnsmasq
    dns:
      server: 192.0.2.53
      key: {name: rndc, key: rndc.key}
    dhcp:
      server: 192.0.2.67
      subnets: [192.0.2.0/255.255.255.0]
      kea:
        url: https://kea.example.com:8000/
        credentials: {name: kea}
";

const JOBS: &str = "
apiVersion: app.theforeman.org/v1alpha1
kind: SmartProxy
metadata:
  name: jobs
  namespace: foreman
spec:
  foreman: {name: myforeman}
  modules:
    remoteExecution: {}
    ansible: {}
";

const PULL: &str = "
apiVersion: app.theforeman.org/v1alpha1
kind: SmartProxy
metadata:
  name: pull
  namespace: foreman
spec:
  foreman: {name: myforeman}
  host: proxy.example.com
  service: {type: LoadBalancer}
  images:
    mosquitto: registry.example.com/mosquitto:2.0
  modules:
    remoteExecution:
      mode: PullMqtt
";

const BUNDLE: &str = "
apiVersion: app.theforeman.org/v1alpha1
kind: SmartProxy
metadata:
  name: branch
  namespace: branch
spec:
  host: proxy.branch.example.com
  ingress:
    type: Gateway
    gateway: {name: edge, namespace: gateways, sectionName: tls}
  foreman: {url: https://foreman.example.com}
  certificates:
    bundle: {name: proxy-bundle}
  modules:
    templates: {}
    registration: {}
";

const ELSEWHERE: &str = "
apiVersion: app.theforeman.org/v1alpha1
kind: SmartProxy
metadata:
  name: branch
  namespace: branch
spec:
  host: proxy.branch.example.com
  foreman:
    url: https://foreman.example.com
    ca: {name: foreman-ca}
    login: {name: foreman-login}
  certificates:
    server: {name: proxy-server}
    client: {name: proxy-client}
  trustedHosts: [other-foreman.example.com]
  modules:
    bmc: {}
";
