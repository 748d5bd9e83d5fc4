# A bucket for mirrors of git repositories, and a role with which a
# repository's GitHub workflow writes to it.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "bucket_name" {
  type = string
}

variable "prefix" {
  description = "What the keys of the mirrors begin with, without slashes at its ends"
  type        = string
  default     = "my-repo"
}

variable "repository" {
  description = "Whose workflows may write, as owner/name"
  type        = string
  validation {
    condition     = can(regex("^[^/*]+/[^/*]+$", var.repository))
    error_message = "Write owner/name."
  }
}

variable "subject" {
  description = "Which of its jobs: ref:refs/heads/main for one branch, environment:NAME for an environment, ref:refs/* for all branches and tags"
  type        = string
  default     = "ref:refs/*"
}

variable "create_provider" {
  description = "false, if the account has GitHub's identity provider already; there can be one only"
  type        = bool
  default     = true
}

variable "readers" {
  description = "Who can read the mirrors without credentials: everybody, cloudfront (makes a distribution) or nobody"
  type        = string
  default     = "everybody"
  validation {
    condition     = contains(["everybody", "cloudfront", "nobody"], var.readers)
    error_message = "Write everybody, cloudfront or nobody."
  }
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  public     = var.readers == "everybody"
  cloudfront = var.readers == "cloudfront"
  github     = "token.actions.githubusercontent.com"
}

resource "aws_iam_openid_connect_provider" "github" {
  count          = var.create_provider ? 1 : 0
  url            = "https://${local.github}"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "mirror" {
  name_prefix        = "mirror-"
  description        = "Mirrors ${var.repository} into ${var.bucket_name}"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = ["arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:oidc-provider/${local.github}"]
    }
    condition {
      test     = "StringEquals"
      variable = "${local.github}:aud"
      values   = ["sts.amazonaws.com"]
    }
    condition {
      test     = "StringLike"
      variable = "${local.github}:sub"
      values   = ["repo:${var.repository}:${var.subject}"]
    }
  }
}

# As in iam-policy.json.
data "aws_iam_policy_document" "mirror" {
  statement {
    sid = "Objects"
    actions = [
      "s3:GetObject",
      "s3:PutObject",
      "s3:DeleteObject",
      "s3:AbortMultipartUpload",
    ]
    resources = ["${aws_s3_bucket.mirrors.arn}/${var.prefix}/*"]
  }
  statement {
    sid       = "List"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.mirrors.arn]
    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${var.prefix}/*"]
    }
  }
  statement {
    sid       = "UnfinishedUploads"
    actions   = ["s3:ListBucketMultipartUploads"]
    resources = [aws_s3_bucket.mirrors.arn]
  }
}

resource "aws_iam_role_policy" "mirror" {
  name   = "mirror"
  role   = aws_iam_role.mirror.id
  policy = data.aws_iam_policy_document.mirror.json
}

resource "aws_s3_bucket" "mirrors" {
  bucket = var.bucket_name
}

resource "aws_s3_bucket_public_access_block" "mirrors" {
  bucket                  = aws_s3_bucket.mirrors.id
  block_public_acls       = true
  ignore_public_acls      = true
  block_public_policy     = !local.public
  restrict_public_buckets = !local.public
}

# What a run that was killed left behind.
resource "aws_s3_bucket_lifecycle_configuration" "mirrors" {
  bucket = aws_s3_bucket.mirrors.id
  rule {
    id     = "unfinished-uploads"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }
}

data "aws_iam_policy_document" "readers" {
  count = var.readers == "nobody" ? 0 : 1
  statement {
    sid       = "Read"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.mirrors.arn}/${var.prefix}/*"]
    principals {
      type        = local.public ? "*" : "Service"
      identifiers = local.public ? ["*"] : ["cloudfront.amazonaws.com"]
    }
    dynamic "condition" {
      for_each = aws_cloudfront_distribution.mirrors[*].arn
      content {
        test     = "StringEquals"
        variable = "AWS:SourceArn"
        values   = [condition.value]
      }
    }
  }
  # Without it S3 answers 403 for objects that don't exist.
  statement {
    sid       = "NotFound"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.mirrors.arn]
    principals {
      type        = local.public ? "*" : "Service"
      identifiers = local.public ? ["*"] : ["cloudfront.amazonaws.com"]
    }
    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${var.prefix}/*"]
    }
    dynamic "condition" {
      for_each = aws_cloudfront_distribution.mirrors[*].arn
      content {
        test     = "StringEquals"
        variable = "AWS:SourceArn"
        values   = [condition.value]
      }
    }
  }
}

resource "aws_s3_bucket_policy" "readers" {
  count      = var.readers == "nobody" ? 0 : 1
  bucket     = aws_s3_bucket.mirrors.id
  policy     = data.aws_iam_policy_document.readers[0].json
  depends_on = [aws_s3_bucket_public_access_block.mirrors]
}

resource "aws_cloudfront_origin_access_control" "mirrors" {
  count                             = local.cloudfront ? 1 : 0
  name                              = "${var.bucket_name}-mirrors"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_distribution" "mirrors" {
  count        = local.cloudfront ? 1 : 0
  enabled      = true
  http_version = "http2and3"

  origin {
    origin_id                = "bucket"
    domain_name              = aws_s3_bucket.mirrors.bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.mirrors[0].id
  }

  default_cache_behavior {
    target_origin_id       = "bucket"
    viewer_protocol_policy = "https-only"
    allowed_methods        = ["GET", "HEAD"]
    cached_methods         = ["GET", "HEAD"]
    # Packs are compressed already.
    compress = false
    # CachingOptimized, AWS's own: it goes by Cache-Control and leaves out the
    # query that git adds to info/refs.
    cache_policy_id = "658327ea-f89d-4fab-a63d-7e88639e58f6"
  }

  # What is missing now may be there after the next run.
  dynamic "custom_error_response" {
    for_each = [403, 404]
    content {
      error_code            = custom_error_response.value
      error_caching_min_ttl = 0
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    cloudfront_default_certificate = true
  }
}

output "role_to_assume" {
  value = aws_iam_role.mirror.arn
}

output "clone_url" {
  value = local.cloudfront ? "https://${aws_cloudfront_distribution.mirrors[0].domain_name}/${var.prefix}" : "https://${aws_s3_bucket.mirrors.bucket_regional_domain_name}/${var.prefix}"
}
