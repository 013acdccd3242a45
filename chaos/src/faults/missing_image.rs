//! `missing-image`: an image is deployed that no registry has.
//!
//! Not only the tag is wrong but the repository too (`shoplab/sock-shop/carts`
//! -> `shoplab/sock-shop-carts`, `postgres` -> `postgre`): a platform that
//! makes images of any tag, as the embedded cluster does, does not have that
//! one either. New pods wait in ErrImagePull and ImagePullBackOff.

use model::{ArgKind, ArgSpec, FaultSpec, ServiceName};
use serde::Deserialize;

use crate::ChaosError;
use crate::args::service;
use crate::image::Image;
use crate::template::{Change, Template, TemplateFault};

pub(crate) struct MissingImage;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
    release: String,
}

impl TemplateFault for MissingImage {
    const SPEC: FaultSpec = FaultSpec {
        kind: "missing-image",
        summary: "An image that no registry has is rolled out: new pods wait in ImagePullBackOff, and the old ones are gone.",
        recovery: "Roll the Deployment back, or set an image that exists.",
        args: &[
            service("the service or store whose image is changed"),
            ArgSpec {
                name: "release",
                kind: ArgKind::Text,
                default: Some("v1.0.1"),
                help: "the tag that is deployed, under a misspelt repository",
            },
        ],
    };
    type Args = Args;

    fn service(args: &Args) -> &ServiceName {
        &args.service
    }

    fn changes(template: &Template, args: Args) -> Result<Vec<Change>, ChaosError> {
        template.wants_old_pods_to_go()?;
        let at = template.main()?.key(&["image"]);
        let present = Image::parse(template.text(&at).unwrap_or_default());
        let after = present.misspelt().with_tag(&args.release).to_string();
        Ok(vec![Change(vec![template.spot(at, after)?])])
    }
}
