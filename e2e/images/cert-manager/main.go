// The controllers of cert-manager that issue certificates from an authority in a Secret, or by themselves, in one process.
//
// They are the real ones. Only their start is ours: cert-manager's own command is a Go module of its own (cmd/controller),
// and that one is not to be had. What it does for these controllers is done here, with its defaults. What it does beyond that
// is not needed: leader election (there is one pod), metrics, and the controllers for ACME, Vault, Venafi, Ingresses,
// Gateways and ClusterIssuers.
package main

import (
	"context"
	"flag"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/klog/v2"

	"github.com/cert-manager/cert-manager/pkg/controller"
	"github.com/cert-manager/cert-manager/pkg/logs"

	// Each of these enters itself in the list of known controllers when it is imported.
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/ca"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/selfsigned"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/issuing"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/keymanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/readiness"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/requestmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/revisionmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/trigger"
	_ "github.com/cert-manager/cert-manager/pkg/controller/issuers"

	// And each of these in the list of kinds of issuer, by which the controller of Issuers finds out whether one is ready.
	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/selfsigned"
)

const (
	workers = 5       // of each controller
	ready   = ":9403" // where the real one answers probes
)

// options are the defaults of the real command. Those of its packages are zero, with which a request that failed would be
// made again at once, for ever.
var options = controller.ContextOptions{
	KubernetesAPIQPS:   20,
	KubernetesAPIBurst: 50,
	CertificateOptions: controller.CertificateOptions{
		CopiedAnnotationPrefixes:                 []string{"*", "-kubectl.kubernetes.io/", "-fluxcd.io/", "-argocd.argoproj.io/"},
		CertificateRequestMinimumBackoffDuration: time.Hour,
		CertificateRequestMaximumBackoffDuration: 32 * time.Hour,
	},
}

func main() {
	// As the real chart has it: what is done is said, why it is done is not. `-v 4` says that too.
	klog.InitFlags(nil)
	_ = flag.Set("v", "2")
	flag.Parse()
	logs.InitLogs()
	defer logs.FlushLogs()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(logs.NewContext(ctx, logs.Log)); err != nil {
		logs.Log.Error(err, "ends")
		logs.FlushLogs()
		os.Exit(1)
	}
}

// run returns when the context ends, or with the first thing that goes wrong.
func run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	factory, err := controller.NewContextFactory(ctx, options)
	if err != nil {
		return err
	}
	// The factories of informers are the same in every context; a controller that is made here tells them what it reads.
	shared, err := factory.Build()
	if err != nil {
		return err
	}
	for name, construct := range controller.Known() {
		it, err := construct(factory)
		if err != nil {
			return err
		}
		logs.Log.Info("starts", "controller", name)
		group.Go(func() error { return it.Run(workers, ctx) })
	}
	// So only now, when all of them are made, can the informers be started.
	shared.SharedInformerFactory.Start(ctx.Done())
	shared.KubeSharedInformerFactory.Start(ctx.Done())
	group.Go(func() error { return beReady(ctx, shared) })
	return group.Wait()
}

// beReady opens a port for the readiness probe once everything has been read that the controllers wait for: a kind or a
// permission that is missing shows as a pod that does not get ready, and not as a Certificate that is never issued.
func beReady(ctx context.Context, shared *controller.Context) error {
	shared.SharedInformerFactory.WaitForCacheSync(ctx.Done())
	shared.KubeSharedInformerFactory.WaitForCacheSync(ctx.Done())
	if ctx.Err() != nil {
		return nil
	}
	listener, err := net.Listen("tcp", ready)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
	for {
		connection, err := listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		_ = connection.Close()
	}
}
