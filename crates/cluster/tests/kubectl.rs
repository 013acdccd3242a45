//! The cluster as the real `kubectl` sees it. Skipped, loudly, where there is no `kubectl`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "support/kubectl_lab.rs"]
mod kubectl_lab;

use std::process::Stdio;

use kubectl_lab::{Lab, contains};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

#[tokio::test]
async fn the_commands_of_the_runbooks_work_as_printed() {
    let Some(lab) = Lab::start().await else {
        return;
    };
    contains(
        &lab.run("apply -f shop.yaml").await,
        &[
            "namespace/shop created",
            "deployment.apps/orders created",
            "service/orders created",
        ],
    );
    contains(
        &lab.run("-n shop rollout status deployment/orders --timeout=30s")
            .await,
        &["successfully rolled out"],
    );
    contains(
        &lab.run("apply -f shop.yaml").await,
        &[
            "deployment.apps/orders unchanged",
            "service/orders unchanged",
        ],
    );

    contains(
        &lab.run("-n shop get pods -o wide").await,
        &[
            "NAME",
            "READY",
            "STATUS",
            "RESTARTS",
            "NODE",
            "1/1",
            "Running",
            "127.0.0.1",
            "laptop",
        ],
    );
    contains(
        &lab.run("get deploy,rs,svc,ep,nodes,ns -A").await,
        &[
            "deployment.apps/orders",
            "2/2",
            "80/TCP",
            "127.0.0.1:8080",
            "Ready",
        ],
    );
    contains(
        &lab.run("-n shop get all").await,
        &[
            "pod/orders-",
            "service/orders",
            "deployment.apps/orders",
            "replicaset.apps/orders-",
        ],
    );
    contains(
        &lab.run("-n shop get pods -o yaml").await,
        &["kind: List", "pod-template-hash", "image: shop/orders:v1"],
    );
    let pods = lab
        .run("-n shop get pods -l name=orders -o jsonpath={.items[*].metadata.name}")
        .await;
    let pod = pods.split_whitespace().next().unwrap().to_owned();

    contains(
        &lab.run(&format!("-n shop describe pod {pod}")).await,
        &[
            "Status:",
            "Running",
            "Last State:",
            "Controlled By:",
            "ReplicaSet/orders-",
            "Events:",
            "Scheduled",
            "Successfully assigned",
        ],
    );
    contains(
        &lab.run("-n shop describe deployment orders").await,
        &[
            "RollingUpdateStrategy:",
            "2 desired | 2 updated | 2 total | 2 available",
            "MinimumReplicasAvailable",
            "ScalingReplicaSet",
        ],
    );
    contains(
        &lab.run("-n shop describe service orders").await,
        &["Endpoints:", "127.0.0.1:8080"],
    );
    contains(
        &lab.run("describe node laptop").await,
        &["Capacity:", "Non-terminated Pods:"],
    );

    contains(
        &lab.run(&format!("-n shop logs {pod}")).await,
        &[&format!("hello from {pod}")],
    );
    contains(
        &lab.run(&format!("-n shop logs --previous {pod}")).await,
        &["an earlier run"],
    );
    contains(
        &lab.run("-n shop logs deploy/orders --tail=1 --timestamps")
            .await,
        &["2026-01-01T00:00:01.000000001Z hello from"],
    );
    let mut follow = lab
        .command(
            lab.cluster.kubeconfig_lab(),
            &format!("-n shop logs -f {pod}"),
        )
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    contains(&lines.next_line().await.unwrap().unwrap(), &["hello from"]);
    lab.node.say(&pod, "and on");
    contains(&lines.next_line().await.unwrap().unwrap(), &["and on"]);
    lab.node.end_log(&pod);
    assert_eq!(lines.next_line().await.unwrap(), None);
    assert!(follow.wait().await.unwrap().success());

    contains(
        &lab.run("-n shop scale deployment/orders --replicas=3")
            .await,
        &["deployment.apps/orders scaled"],
    );
    lab.run("-n shop rollout status deployment/orders --timeout=30s")
        .await;
    contains(&lab.run("-n shop get deployment orders").await, &["3/3"]);
    lab.run("-n shop rollout restart deployment/orders").await;
    contains(
        &lab.run("-n shop rollout status deployment/orders --timeout=30s")
            .await,
        &["successfully rolled out"],
    );
    lab.run("-n shop set image deployment/orders orders=shop/orders:v2")
        .await;
    lab.run("-n shop rollout status deployment/orders --timeout=30s")
        .await;
    contains(
        &lab.run("-n shop rollout history deployment/orders").await,
        &["REVISION", "1", "2", "3"],
    );
    contains(
        &lab.run("-n shop rollout history deployment/orders --revision=3")
            .await,
        &["shop/orders:v2"],
    );
    contains(
        &lab.run("-n shop rollout undo deployment/orders").await,
        &["rolled back"],
    );
    lab.run("-n shop rollout status deployment/orders --timeout=30s")
        .await;
    contains(
        &lab.run("-n shop get deployment orders -o wide").await,
        &["shop/orders:v1"],
    );
    contains(
        &lab.run("-n shop rollout undo deployment/orders --to-revision=3")
            .await,
        &["rolled back"],
    );
    lab.run("-n shop rollout pause deployment/orders").await;
    lab.run("-n shop rollout resume deployment/orders").await;
    lab.run("-n shop set env deployment/orders LEVEL=debug")
        .await;
    lab.run("-n shop rollout status deployment/orders --timeout=30s")
        .await;

    let pods = lab.run("-n shop get pods -o name").await;
    let pod = pods.lines().next().unwrap();
    contains(
        &lab.run(&format!("-n shop delete {pod}")).await,
        &["deleted"],
    );
    lab.run("-n shop wait --for=condition=Available deployment/orders --timeout=30s")
        .await;
    contains(
        &lab.run("-n shop get events").await,
        &["LAST SEEN", "ScalingReplicaSet"],
    );
    lab.run("-n shop get events --sort-by=.lastTimestamp").await;
    lab.run("-n shop get events --field-selector reason=Scheduled -w --request-timeout=1s")
        .await;
    contains(
        &lab.run("-n shop top pods").await,
        &["CPU(cores)", "15m", "20Mi"],
    );
    contains(&lab.run("-n shop top pods --containers").await, &["orders"]);
    contains(&lab.run("top nodes").await, &["laptop", "45m", "1%"]);
    lab.run("-n shop label deployment orders owner=me").await;
    lab.run("-n shop annotate deployment orders note=x").await;
    contains(
        &lab.run("-n shop create configmap settings --from-literal=a=b")
            .await,
        &["created"],
    );
    contains(
        &lab.run("-n shop patch configmap settings --type merge -p {\"data\":{\"a\":\"c\"}}")
            .await,
        &["patched"],
    );
    contains(
        &lab.run("-n shop apply --server-side -f shop.yaml --force-conflicts")
            .await,
        &["serverside-applied"],
    );
    contains(
        &lab.run("-n shop create deployment extra --image=shop/extra:v1 --replicas=1 --port=80")
            .await,
        &["created"],
    );
    lab.run("-n shop rollout status deployment/extra --timeout=30s")
        .await;
    lab.run("-n shop create secret generic hidden --from-literal=a=b")
        .await;
    contains(
        &lab.run("api-resources").await,
        &["deployments", "deploy", "apps/v1", "PodMetrics"],
    );
    contains(&lab.run("auth can-i delete pods -n shop").await, &["yes"]);
    lab.run("get --raw /api/v1/namespaces/shop/pods").await;
    contains(
        &lab.run("-n shop delete deployment orders").await,
        &["deleted"],
    );
    contains(
        &lab.run("delete namespace shop --timeout=30s").await,
        &["deleted"],
    );

    lab.run("create namespace shoplab").await;
    contains(
        &lab.refused("-n shoplab get pods").await,
        &[
            "Forbidden",
            "User \"responder\" cannot list resource \"pods\"",
        ],
    );
    contains(
        &lab.refused("get pods --token=wrong").await,
        &["nauthorized"],
    );
    lab.stop().await;
}

#[tokio::test]
async fn a_deployment_is_scaled_by_what_its_pods_use() {
    let Some(lab) = Lab::start().await else {
        return;
    };
    lab.run("apply -f shop.yaml").await;
    lab.run("-n shop rollout status deployment/orders --timeout=30s")
        .await;
    contains(
        &lab.run("-n shop autoscale deployment orders --min=1 --max=5 --cpu-percent=80")
            .await,
        &["horizontalpodautoscaler.autoscaling/orders autoscaled"],
    );
    lab.run("-n shop wait --for=condition=ScalingActive hpa/orders --timeout=30s")
        .await;
    // Each Pod uses 15m of the 500m that it may use.
    let table = lab.run("-n shop get hpa").await;
    let words: Vec<&str> = table.split_whitespace().collect();
    assert_eq!(
        words[..7],
        [
            "NAME",
            "REFERENCE",
            "TARGETS",
            "MINPODS",
            "MAXPODS",
            "REPLICAS",
            "AGE"
        ]
    );
    assert_eq!(
        words[7..13],
        ["orders", "Deployment/orders", "cpu:", "3%/80%", "1", "5"]
    );
    contains(
        &lab.run("-n shop describe hpa orders").await,
        &[
            "Deployment/orders",
            "resource cpu on pods  (as a percentage of request):",
            "3% (15m) / 80%",
            "Min replicas:",
            "ScaleDownStabilized",
            "ValidMetricFound",
            "ScalingLimited",
        ],
    );
    contains(
        &lab.run("get --raw /apis/autoscaling/v1/namespaces/shop/horizontalpodautoscalers/orders")
            .await,
        &[
            "\"targetCPUUtilizationPercentage\":80",
            "\"currentCPUUtilizationPercentage\":3",
        ],
    );
    lab.run("-n shop patch hpa orders --type merge -p {\"spec\":{\"minReplicas\":4}}")
        .await;
    lab.run("-n shop wait --for=jsonpath={.status.desiredReplicas}=4 hpa/orders --timeout=30s")
        .await;
    lab.run("-n shop rollout status deployment/orders --timeout=30s")
        .await;
    contains(
        &lab.run("-n shop get events --field-selector reason=SuccessfulRescale")
            .await,
        &["New size: 4; reason: Current number of replicas below Spec.MinReplicas"],
    );
    contains(&lab.run("-n shop delete hpa orders").await, &["deleted"]);
    lab.stop().await;
}

#[tokio::test]
async fn jobs_and_cron_jobs_run_to_their_end() {
    let Some(lab) = Lab::start().await else {
        return;
    };
    lab.run("create namespace shop").await;
    contains(
        &lab.run("-n shop create job report --image=shop/report:v1")
            .await,
        &["job.batch/report created"],
    );
    lab.run("-n shop wait --for=condition=complete job/report --timeout=30s")
        .await;
    contains(
        &lab.run("-n shop get jobs").await,
        &["STATUS", "COMPLETIONS", "DURATION", "Complete", "1/1"],
    );
    contains(
        &lab.run("-n shop describe job report").await,
        &[
            "Pods Statuses:",
            "1 Succeeded",
            "SuccessfulCreate",
            "Completed",
        ],
    );
    contains(
        &lab.run("-n shop logs job/report").await,
        &["hello from report-"],
    );
    contains(
        &lab.run("-n shop get pods").await,
        &["report-", "Completed"],
    );
    contains(
        &lab.run("-n shop create cronjob nightly --image=shop/report:v1 --schedule=@daily")
            .await,
        &["cronjob.batch/nightly created"],
    );
    contains(
        &lab.run("-n shop get cronjobs").await,
        &[
            "SCHEDULE",
            "SUSPEND",
            "ACTIVE",
            "LAST SCHEDULE",
            "@daily",
            "False",
            "<none>",
        ],
    );
    contains(
        &lab.run("-n shop create job now --from=cronjob/nightly")
            .await,
        &["job.batch/now created"],
    );
    lab.run("-n shop wait --for=condition=complete job/now --timeout=30s")
        .await;
    contains(
        &lab.run("-n shop describe cronjob nightly").await,
        &["Schedule:", "@daily", "Concurrency Policy:", "Allow"],
    );
    lab.run("-n shop patch cronjob nightly -p {\"spec\":{\"suspend\":true}}")
        .await;
    contains(&lab.run("-n shop get cronjobs").await, &["True"]);
    contains(
        &lab.run("-n shop delete cronjob nightly").await,
        &["deleted"],
    );
    // What was made from it goes with it; what stands by itself stays.
    lab.run("-n shop wait --for=delete job/now --timeout=30s")
        .await;
    contains(&lab.run("-n shop get jobs").await, &["report"]);
    contains(&lab.run("-n shop delete job report").await, &["deleted"]);
    contains(
        &lab.refused("-n shop create job bad --image=x:v1 --dry-run=nonsense")
            .await,
        &["nonsense"],
    );
    lab.stop().await;
}

#[tokio::test]
async fn what_is_running_can_be_changed_in_every_way() {
    let Some(lab) = Lab::start().await else {
        return;
    };
    lab.run("apply -f shop.yaml").await;
    lab.run("-n shop rollout status deployment/orders --timeout=30s")
        .await;
    lab.run("-n shop set resources deployment/orders --limits=cpu=200m,memory=128Mi --requests=cpu=100m")
        .await;
    lab.run("-n shop set env deployment/orders LEVEL=debug PORT-")
        .await;
    lab.run("-n shop rollout status deployment/orders --timeout=30s")
        .await;
    contains(
        &lab.run("-n shop get pods -o yaml").await,
        &["cpu: 200m", "memory: 128Mi", "cpu: 100m", "LEVEL"],
    );
    let endpoints = "-n shop get endpoints orders";
    contains(&lab.run(endpoints).await, &["127.0.0.1:8080"]);
    lab.run(
        "-n shop patch svc orders -p {\"spec\":{\"ports\":[{\"port\":80,\"targetPort\":8081}]}}",
    )
    .await;
    contains(&lab.run(endpoints).await, &["127.0.0.1:8081"]);
    lab.run("-n shop patch svc orders --type=json -p [{\"op\":\"replace\",\"path\":\"/spec/ports/0/targetPort\",\"value\":8082}]")
        .await;
    contains(&lab.run(endpoints).await, &["127.0.0.1:8082"]);
    lab.edit("-n shop edit svc orders", "sed -i s/8082/8083/")
        .await;
    contains(&lab.run(endpoints).await, &["127.0.0.1:8083"]);
    // Applying the manifest again puts back what it says.
    lab.run("apply -f shop.yaml").await;
    contains(&lab.run(endpoints).await, &["127.0.0.1:8080"]);
    lab.run("-n shop set selector service/orders name=nobody")
        .await;
    contains(&lab.run(endpoints).await, &["<none>"]);
    lab.run("-n shop annotate service orders prometheus.io/scrape=false")
        .await;
    lab.run("-n shop label service orders tier=back").await;
    contains(
        &lab.run("-n shop get service orders -o yaml").await,
        &["prometheus.io/scrape: \"false\"", "tier: back"],
    );
    lab.run("-n shop label service orders tier-").await;
    lab.stop().await;
}

#[tokio::test]
async fn commands_run_in_pods() {
    let Some(lab) = Lab::start().await else {
        return;
    };
    lab.run("apply -f shop.yaml").await;
    lab.run("-n shop rollout status deployment/orders --timeout=30s")
        .await;
    if !lab.speaks_websocket().await {
        let said = lab.fails("-n shop exec deploy/orders -- echo hello").await;
        contains(&said, &["kubectl 1.31 and newer"]);
        return lab.stop().await;
    }
    contains(
        &lab.run("-n shop exec deploy/orders -- echo hello").await,
        &["hello"],
    );
    contains(
        &lab.fails("-n shop exec deploy/orders -- sh -c exit${IFS}4")
            .await,
        &["exit code 4"],
    );
    let mut cat = lab
        .command(
            lab.cluster.kubeconfig_lab(),
            "-n shop exec -i deploy/orders -- cat",
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = cat.stdin.take().unwrap();
    input.write_all(b"through and back").await.unwrap();
    drop(input);
    let output = cat.wait_with_output().await.unwrap();
    assert_eq!(output.stdout, b"through and back");
    contains(
        &lab.fails("-n shop exec deploy/orders -c nothing -- true")
            .await,
        &["container", "nothing"],
    );
    contains(
        &lab.fails("-n shop port-forward deploy/orders 0:8080").await,
        &["Pods have addresses of this machine"],
    );
    lab.stop().await;
}
