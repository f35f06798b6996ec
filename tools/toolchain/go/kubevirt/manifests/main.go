// Prints what virt-operator would install for one KubeVirt, as JSON: its definitions, its objects
// with fresh certificates, and its webhooks. All of them come from KubeVirt's own functions, so
// that Corral's lab has the definitions, permissions and webhooks of a real installation.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	admission "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	aggregation "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"kubevirt.io/kubevirt/pkg/virt-operator/resource/generate/components"
	"kubevirt.io/kubevirt/pkg/virt-operator/resource/generate/rbac"
)

// A lab lives for days at most, and nothing in it renews a certificate.
const validity = 365 * 24 * time.Hour

// installation is the printed document. The webhooks stand apart: they are put in place last, once
// virt-api answers, because they refuse everything before that.
type installation struct {
	Definitions []any `json:"definitions"`
	Objects     []any `json:"objects"`
	Webhooks    []any `json:"webhooks"`
}

func main() {
	namespace := flag.String("namespace", "kubevirt", "namespace of KubeVirt's own objects")
	port := flag.Int("api-port", 443, "port at which virt-api listens on this machine")
	flag.Parse()
	result, err := generate(*namespace, int32(*port))
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(result)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func generate(namespace string, port int32) (*installation, error) {
	definitions, err := definitions()
	if err != nil {
		return nil, err
	}
	secrets, bundles, caBundle, err := certificates(namespace)
	if err != nil {
		return nil, err
	}
	objects := []any{
		core.Namespace{
			TypeMeta:   meta.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
			ObjectMeta: meta.ObjectMeta{Name: namespace},
		},
		components.NewKubeVirtPriorityClassCR(),
		apiService(namespace, port),
	}
	objects = append(objects, secrets...)
	objects = append(objects, bundles...)
	objects = appendAll(objects, rbac.GetAllCluster())
	objects = appendAll(objects, rbac.GetAllApiServer(namespace))
	objects = appendAll(objects, rbac.GetAllController(namespace))
	objects = appendAll(objects, rbac.GetAllHandler(namespace))
	objects = appendAll(objects, rbac.GetAllExportProxy(namespace))
	for _, service := range components.NewVirtAPIAPIServices(namespace) {
		reach(service, port, caBundle)
		objects = append(objects, service)
	}
	return &installation{definitions, objects, webhooks(namespace, port, caBundle)}, nil
}

func definitions() ([]any, error) {
	makers := []func() (*apiextensions.CustomResourceDefinition, error){
		components.NewKubeVirtCrd,
		components.NewVirtualMachineCrd,
		components.NewVirtualMachineInstanceCrd,
		components.NewPresetCrd,
		components.NewReplicaSetCrd,
		components.NewVirtualMachineInstanceMigrationCrd,
		components.NewVirtualMachinePoolCrd,
		components.NewVirtualMachineSnapshotCrd,
		components.NewVirtualMachineSnapshotContentCrd,
		components.NewVirtualMachineRestoreCrd,
		components.NewVirtualMachineExportCrd,
		components.NewVirtualMachineInstancetypeCrd,
		components.NewVirtualMachineClusterInstancetypeCrd,
		components.NewVirtualMachinePreferenceCrd,
		components.NewVirtualMachineClusterPreferenceCrd,
		components.NewMigrationPolicyCrd,
		components.NewVirtualMachineCloneCrd,
	}
	var all []any
	for _, maker := range makers {
		definition, err := maker()
		if err != nil {
			return nil, err
		}
		all = append(all, definition)
	}
	return all, nil
}

// certificates makes the authorities and the certificates that they sign, as secrets, and the
// authorities' public parts as config maps. The last result is KubeVirt's authority in PEM.
func certificates(namespace string) (secrets, bundles []any, caBundle []byte, err error) {
	duration := &meta.Duration{Duration: validity}
	authorities := components.NewCACertSecrets(namespace)
	public := map[string][]byte{}
	var signer *core.Secret
	for _, secret := range authorities {
		if err := components.PopulateSecretWithCertificate(secret, nil, duration); err != nil {
			return nil, nil, nil, err
		}
		public[secret.Name] = secret.Data["tls.crt"]
		if secret.Name == components.KubeVirtCASecretName {
			signer = secret
		}
		secrets = append(secrets, secret)
	}
	ca, err := components.LoadCertificates(signer)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, secret := range components.NewCertSecrets(namespace, namespace) {
		if err := components.PopulateSecretWithCertificate(secret, ca, duration); err != nil {
			return nil, nil, nil, err
		}
		secrets = append(secrets, secret)
	}
	for _, configMap := range components.NewCAConfigMaps(namespace) {
		bundle, known := public[configMap.Name]
		if !known {
			bundle = public[components.KubeVirtCASecretName]
		}
		configMap.Data = map[string]string{components.CABundleKey: string(bundle)}
		bundles = append(bundles, configMap)
	}
	return secrets, bundles, public[components.KubeVirtCASecretName], nil
}

// apiService names virt-api, a plain process of this machine, inside the cluster.
func apiService(namespace string, port int32) core.Service {
	return core.Service{
		TypeMeta:   meta.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: meta.ObjectMeta{Name: "virt-api", Namespace: namespace},
		Spec: core.ServiceSpec{
			Type:         core.ServiceTypeExternalName,
			ExternalName: "localhost",
			Ports:        []core.ServicePort{{Port: port}},
		},
	}
}

func reach(service *aggregation.APIService, port int32, caBundle []byte) {
	service.Spec.Service.Port = &port
	service.Spec.CABundle = caBundle
}

func webhooks(namespace string, port int32, caBundle []byte) []any {
	validating := components.NewVirtAPIValidatingWebhookConfiguration(namespace)
	for i := range validating.Webhooks {
		point(&validating.Webhooks[i].ClientConfig, port, caBundle)
	}
	mutating := components.NewVirtAPIMutatingWebhookConfiguration(namespace)
	for i := range mutating.Webhooks {
		point(&mutating.Webhooks[i].ClientConfig, port, caBundle)
	}
	return []any{validating, mutating}
}

func point(config *admission.WebhookClientConfig, port int32, caBundle []byte) {
	config.Service.Port = &port
	config.CABundle = caBundle
}

func appendAll[T any](to []any, from []T) []any {
	for _, element := range from {
		to = append(to, element)
	}
	return to
}
